#include "control/snapshot_handlers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "cache/disk_entry.h"
#include "cache/disk_store.h"
#include "cache/snapshot.h"
#include "control/cache_listing.h"

namespace rpx::control {

namespace {

// An answer ends with the object that makes it longer than this.
constexpr std::size_t kPart = std::size_t{8} << 20U;

std::shared_ptr<cache::Store> store_of(Host& host, const std::string& name) {
  for (const auto& store : host.caches())
    if (store->name() == name) return store;
  return nullptr;
}

Reply unknown_store(const Request& request) {
  return problem_reply(404, fmt::format("no route uses a cache named \"{}\"", request.parameter));
}

std::string tag_field_of(Host& host, const std::string& name) {
  for (const cache::CacheOptions& options : host.options()->cache)
    if (options.name == name) return options.tags;
  return {};
}

}  // namespace

Reply answer_cache_export(Host& host, const Request& request) {
  std::size_t cursor = 0;
  for (const auto& [name, value] : request.query) {
    const auto number = parse_uint(value);
    if (!number) return problem_reply(400, "cursor is a number that an answer ended with");
    cursor = *number;
  }
  const auto store = store_of(host, request.parameter);
  if (!store) return unknown_store(request);
  const auto disk = store->disk();
  const std::vector<Listed> all = list_cache(*store, {});
  Reply reply;
  reply.content_type = "application/octet-stream";
  std::size_t next = cursor;
  for (; next < all.size() && reply.body.size() < kPart; ++next) {
    const Listed& one = all[next];
    const cache::EntryPtr entry = one.entry ? one.entry : disk ? disk->read(*one.object) : nullptr;
    if (entry) reply.body += cache::snapshot_object(*entry);
  }
  reply.body += cache::snapshot_end(next < all.size() ? next : 0);
  return reply;
}

Reply answer_cache_import(Host& host, const Request& request) {
  const auto store = store_of(host, request.parameter);
  if (!store) return unknown_store(request);
  const std::string tag_field = tag_field_of(host, request.parameter);
  cache::SnapshotReader reader(false);
  reader.feed(request.body);
  std::uint64_t stored = 0;
  for (;;) {
    auto object = reader.next();
    if (!object) return problem_reply(400, "the body holds no objects of a snapshot: " + object.error().detail);
    if (!*object) break;
    if (store->import(cache::entry_of((*object)->head, std::move((*object)->body), tag_field))) ++stored;
  }
  if (!reader.ended()) return problem_reply(400, "the body ends in the middle of an object");
  log_event(LogLevel::kNotice, "cache: imported",
            {{"uid", request.asker.who()},
             {"pid", std::to_string(request.asker.pid)},
             {"cache", store->name()},
             {"objects", std::to_string(stored)}});
  Json json;
  json.open_object().member("stored", stored).member("refused", reader.read() - stored).close_object();
  return json_reply(json);
}

}  // namespace rpx::control
