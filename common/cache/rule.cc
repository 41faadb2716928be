#include "cache/rule.h"

#include <algorithm>

#include "base/result.h"

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

}  // namespace rpx::cache
