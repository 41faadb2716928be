#include "control/cache_listing.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "cache/disk_brief.h"
#include "cache/disk_store.h"
#include "cache/key.h"

namespace rpx::control {

namespace {

double in_seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

std::string_view url_of(const Listed& listed) {
  return listed.entry ? listed.entry->url() : cache::url_in(listed.object->brief);
}

WallTime answered(const Listed& listed) {
  return listed.entry ? listed.entry->times().answered : listed.object->answered;
}

void write_vary(Json& json, const std::vector<cache::VaryField>& vary) {
  json.key("vary").open_object();
  // A single NUL stands for a field that was not there.
  for (const cache::VaryField& field : vary) {
    json.key(field.name);
    field.value == std::string_view("\0", 1) ? json.null() : json.value(field.value);
  }
  json.close_object();
}

void write_facts_in_memory(Json& json, const cache::Entry& entry, std::string_view state, WallTime now) {
  const Duration age = entry.age(now);
  json.member("url", entry.url()).member("key", entry.key()).member("status", entry.status());
  write_vary(json, entry.vary());
  json.member("state", state)
      .member("age", in_seconds(age))
      .member("lifetime", in_seconds(entry.terms().lifetime))
      .member("left", in_seconds(entry.terms().lifetime - age))
      .member("size", entry.body().size())
      .member("bytes", entry.bytes())
      .member("hits", entry.hits())
      .member("tags", entry.tags());
}

void write_facts_on_disk(Json& json, const cache::DiskObject& object, std::string_view state, WallTime now) {
  const Duration age = object.age(now);
  json.member("url", cache::url_in(object.brief)).key("key").null().member("status", object.status);
  write_vary(json, cache::vary_in(object.brief));
  json.member("state", state)
      .member("age", in_seconds(age))
      .member("lifetime", in_seconds(object.lifetime))
      .member("left", in_seconds(object.lifetime - age))
      .member("size", object.body.bytes)
      .member("bytes", std::uint64_t{0})
      .member("hits", std::uint64_t{object.hits})
      .member("tags", cache::tags_in(object.brief));
}

}  // namespace

std::vector<Listed> list_cache(cache::Store& store, const cache::Filter& filter) {
  using Name = std::tuple<std::uint64_t, std::uint64_t, bool>;
  std::vector<Listed> out;
  std::map<Name, std::size_t> places;
  for (cache::EntryPtr& entry : store.list(filter)) {
    const Name name{cache::key_hash(entry->key()), cache::variant_of(entry->vary()), entry->piece() != nullptr};
    places.emplace(name, out.size());
    out.push_back({std::move(entry), std::nullopt});
  }
  const auto disk = store.disk();
  if (!disk) return out;
  for (cache::DiskObject& object : disk->list(filter)) {
    const auto place = places.find({object.hash, object.variant, object.piece != 0});
    if (place != places.end())
      out[place->second].object = std::move(object);
    else
      out.push_back({nullptr, std::move(object)});
  }
  std::ranges::sort(out, [](const Listed& a, const Listed& b) {
    const auto urls = url_of(a) <=> url_of(b);
    return urls != 0 ? urls < 0 : answered(a) < answered(b);
  });
  return out;
}

std::vector<Listed> read_cache(cache::Store& store, const cache::Filter& filter) {
  std::vector<Listed> out = list_cache(store, filter);
  const auto disk = store.disk();
  std::erase_if(out, [&](Listed& listed) {
    if (!listed.entry && disk) listed.entry = disk->read(*listed.object);
    return !listed.entry;
  });
  return out;
}

std::string_view state_of(const Listed& listed, WallTime now) {
  if (const cache::Entry* entry = listed.entry.get()) {
    if (entry->outdated()) return "purged";
    return entry->age(now) < entry->terms().lifetime && !entry->terms().no_cache ? "fresh" : "stale";
  }
  const cache::DiskObject& object = *listed.object;
  if (object.outdated) return "purged";
  return object.age(now) < object.lifetime && !object.no_cache ? "fresh" : "stale";
}

void write_facts(Json& json, const Listed& listed, WallTime now) {
  if (listed.entry)
    write_facts_in_memory(json, *listed.entry, state_of(listed, now), now);
  else
    write_facts_on_disk(json, *listed.object, state_of(listed, now), now);
  json.member("where", listed.entry ? listed.object ? "both" : "memory" : "disk");
}

void write_disk(Json& json, const cache::Store& store) {
  json.key("disk");
  const auto disk = store.disk();
  if (!disk) {
    json.null();
    return;
  }
  cache::DiskCounters& counters = disk->counters();
  json.open_object().member("path", disk->path()).member("size", disk->size()).member("bytes", disk->bytes());
  json.member("entries", disk->objects())
      .member("hits", counters.hits.load())
      .member("reads", counters.reads.load())
      .member("writes", counters.written.load())
      .member("evicted", counters.evicted.load())
      .member("skipped", counters.skipped.load())
      .member("damaged", counters.damaged.load())
      .member("errors", counters.errors.load());
  json.key("complaint");
  const std::string complaint = disk->complaint();
  complaint.empty() ? json.null() : json.value(complaint);
  json.close_object();
}

}  // namespace rpx::control
