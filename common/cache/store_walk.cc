// The part of Store that goes over many entries: purges and lists.
#include <algorithm>
#include <tuple>

#include "cache/disk_store.h"
#include "cache/key.h"
#include "cache/shard.h"

namespace rpx::cache {
namespace {

// Entries that are looked at before others may have the lock.
constexpr std::size_t kSlice = 256;

bool is_of_origin(std::string_view url, std::string_view origin) noexcept {
  return url.starts_with(origin) && (url.size() == origin.size() || url[origin.size()] == '/');
}

bool suits(const Filter& filter, const Entry& entry) {
  return (filter.url.empty() || entry.url() == filter.url) && entry.url().starts_with(filter.prefix) &&
         (filter.host.empty() || entry.host() == filter.host) &&
         (filter.group.empty() || (entry.has_label(filter.group, true) && is_of_origin(entry.url(), filter.origin))) &&
         (filter.tag.empty() || entry.has_label(filter.tag, false));
}

}  // namespace

// Calls `take` for what `filter` names, with the lock of its shard held. What comes or goes meanwhile may be left out.
template <class Take>
void Store::each(const Filter& filter, Take take) const {
  if (!filter.tag.empty() || !filter.group.empty()) {
    each_labelled(filter, std::move(take));
    return;
  }
  std::vector<EntryPtr> gone;
  for (const auto& shard : shards_) {
    // Hashes below have been seen to.
    for (std::uint64_t next = 0; next <= UINT32_MAX;) {
      gone.clear();
      const std::scoped_lock lock(shard->mutex);
      for (std::size_t seen = 0; seen < kSlice && next <= UINT32_MAX; ++seen) {
        for (Entry* entry = shard->first_of(static_cast<std::uint32_t>(next)); entry;) {
          Entry* older = entry->links_.chain;
          if (suits(filter, *entry)) gone.push_back(take(*shard, *entry));
          entry = older;
          ++seen;
        }
        next = ((next >> shard->shift) + 1) << shard->shift;
      }
    }
  }
}

template <class Take>
void Store::each_labelled(const Filter& filter, Take take) const {
  const bool is_group = filter.tag.empty();
  const std::uint64_t hash = label_hash(is_group ? filter.group : filter.tag, is_group);
  std::vector<EntryPtr> gone;
  for (const auto& shard : shards_) {
    EntryPtr last;  // the last one looked at, while it is still there
    for (bool more = true; more;) {
      gone.clear();
      const std::scoped_lock lock(shard->mutex);
      Label* label = last && last->queue_ != 0 ? last->label_of(hash)->older : nullptr;
      if (!label && (!last || last->queue_ == 0)) {
        const auto at = shard->labels.find(hash);
        label = at == shard->labels.end() ? nullptr : at->second;
      }
      for (std::size_t seen = 0; label && seen < kSlice; ++seen) {
        Entry& entry = const_cast<Entry&>(*label->owner);
        label = label->older;
        last = EntryPtr(&entry);
        // A label may stand twice in one reply.
        while (label && label->owner == &entry) label = label->older;
        if (suits(filter, entry)) gone.push_back(take(*shard, entry));
      }
      more = label != nullptr;
    }
  }
}

Taken Store::purge(const Filter& filter, bool soft, bool dry) {
  Taken out;
  if (const auto behind = disk()) {
    // What comes to its end meanwhile must not go to the disk after that.
    if (!dry) spoil_all();
    out = behind->purge(filter, soft, dry,
                        [this](std::uint64_t hash, std::uint64_t variant) { return holds(hash, variant, false); });
  }
  // What is on its way was asked for before the purge, and may be what the purge is about.
  if (!dry) spoil_all();
  each(filter, [&](Shard& shard, Entry& entry) -> EntryPtr {
    ++out.entries;
    out.bytes += entry.bytes();
    out.hits += entry.hits();
    if (dry) return nullptr;
    if (!soft) return remove(shard, entry);
    entry.mark_outdated();
    return nullptr;
  });
  if (!dry) counters_.purged.fetch_add(out.entries, std::memory_order_relaxed);
  return out;
}

Taken Store::purge_key(std::string_view key, bool soft) {
  const std::uint64_t hash = key_hash(key);
  const std::uint32_t own = Shard::short_hash(hash);
  Shard& shard = shard_of(hash);
  Taken out;
  std::vector<EntryPtr> gone;
  const std::scoped_lock lock(shard.mutex);
  for (const auto& [name, flight] : shard.flights)
    if (flight->key() == key) flight->spoil();
  for (Entry* entry = shard.first_of(own); entry;) {
    Entry* next = entry->links_.chain;
    if (entry->links_.hash == own && entry->key() == key) {
      ++out.entries;
      out.bytes += entry->bytes();
      out.hits += entry->hits();
      if (soft)
        entry->mark_outdated();
      else
        gone.push_back(remove(shard, *entry));
    }
    entry = next;
  }
  counters_.purged.fetch_add(out.entries, std::memory_order_relaxed);
  return out;
}

std::vector<EntryPtr> Store::list(const Filter& filter) const {
  std::vector<EntryPtr> out;
  each(filter, [&](Shard&, const Entry& entry) -> EntryPtr {
    out.emplace_back(&entry);
    return nullptr;
  });
  std::ranges::sort(out, [](const EntryPtr& a, const EntryPtr& b) {
    if (const auto urls = a->url() <=> b->url(); urls != 0) return urls < 0;
    if (!a->varies_like(*b)) return a->packed_vary() < b->packed_vary();
    return a->answered_ < b->answered_;
  });
  return out;
}

}  // namespace rpx::cache
