#include "cache/rule.h"

#include <algorithm>

#include "base/result.h"
#include "cache/disk_store.h"

namespace rpx::cache {

Result<std::shared_ptr<const Rule>> Rule::build(const CacheOptions& options, std::shared_ptr<Store> store) {
  auto rule = std::make_shared<Rule>();
  rule->options = options;
  RPX_TRY(rule->key, KeyTemplate::compile(options));
  rule->takes_get = std::ranges::find(options.methods, "GET") != options.methods.end();
  rule->takes_head = std::ranges::find(options.methods, "HEAD") != options.methods.end();
  if (store)
    store->set_capacity(options.memory);
  else
    store = std::make_shared<Store>(options.name, options.memory);
  rule->store = std::move(store);
  return rule;
}

void Rule::use_disk(Duration most) const {
  const auto now = store->disk();
  if (!options.disk) return store->use_disk(nullptr);
  if (now && now->path() == options.disk->path) {
    now->set_size(options.disk->size);
    now->set_tag_field(options.tags);
    return;
  }
  store->use_disk(nullptr);
  // The store closes it before it ends itself.
  const Store* memory = store.get();
  auto disk = std::make_shared<DiskStore>(
      options.name, *options.disk, options.tags,
      [memory](std::uint64_t hash, std::uint64_t variant) { return memory->holds(hash, variant, true); });
  disk->wait_open(most);
  store->use_disk(std::move(disk));
}

}  // namespace rpx::cache
