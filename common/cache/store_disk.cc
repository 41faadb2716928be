// The part of Store that knows of the disk store behind it.
#include <algorithm>

#include "cache/disk_store.h"
#include "cache/key.h"
#include "cache/shard.h"

namespace rpx::cache {

void Store::use_disk(std::shared_ptr<DiskStore> disk) {
  {
    const std::scoped_lock lock(disk_mutex_);
    has_disk_.store(static_cast<bool>(disk), std::memory_order_relaxed);
    disk_.swap(disk);
  }
  // Whoever has a share still lets it go soon; it is closed here mostly.
  disk.reset();
}

std::shared_ptr<DiskStore> Store::disk() const {
  if (!has_disk_.load(std::memory_order_relaxed)) return nullptr;
  const std::scoped_lock lock(disk_mutex_);
  return disk_;
}

Size Store::most() const {
  const std::shared_ptr<DiskStore> behind = disk();
  return behind && behind->is_open() ? std::max(capacity(), behind->size()) : capacity();
}

bool Store::import(EntryPtr entry) {
  const std::shared_ptr<DiskStore> behind = disk();
  if (behind)
    for (const DiskObject& there : behind->find_all(entry->key()))
      if (there.variant == variant_of(entry->vary()) && there.answered > entry->times().answered) return false;
  const EntryPtr to_write = behind ? entry : nullptr;
  const Kept kept = keep(std::move(entry), true);
  if (kept == Kept::kNot || (kept == Kept::kTooLarge && !behind)) return false;
  counters_.stored.fetch_add(1, std::memory_order_relaxed);
  if (behind) behind->put(to_write);
  return true;
}

bool Store::holds(std::uint64_t hash, std::uint64_t variant, bool wanted) const {
  Shard& shard = shard_of(hash);
  const std::uint32_t own = Shard::short_hash(hash);
  const std::scoped_lock lock(shard.mutex);
  for (const Entry* entry = shard.first_of(own); entry; entry = entry->links_.chain)
    if (entry->links_.hash == own && (!wanted || entry->wanted() > 0) && key_hash(entry->key()) == hash &&
        variant_of(entry->vary()) == variant)
      return true;
  return false;
}

void Store::spoil(std::string_view key) {
  Shard& shard = shard_of(key_hash(key));
  const std::scoped_lock lock(shard.mutex);
  for (const auto& [name, flight] : shard.flights)
    if (flight->key() == key) flight->spoil();
}

void Store::spoil_all() {
  for (const auto& shard : shards_) {
    const std::scoped_lock lock(shard->mutex);
    for (const auto& [key, flight] : shard->flights) flight->spoil();
  }
}

}  // namespace rpx::cache
