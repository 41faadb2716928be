// Shard: a part of a Store, with its index, its queues and its fills. For store.cc and its neighbours; whoever touches
// one holds its mutex.
#pragma once

#include <array>
#include <unordered_map>

#include "cache/store.h"

namespace rpx::cache {

struct Store::Shard {
  /// First in, first out; the oldest end gives way. How old that is can be read without the lock.
  struct Queue {
    Entry* newest = nullptr;
    Entry* oldest = nullptr;
    std::atomic<std::uint64_t> tail{0};  // the stamp of the oldest, and kThere

    static constexpr std::uint64_t kThere = std::uint64_t{1} << 32U;
    void push(Entry& entry, std::uint32_t stamp) noexcept {
      Entry::Links& links = entry.links_;
      links.stamp = stamp;
      links.newer = nullptr;
      links.older = newest;
      (newest ? newest->links_.newer : oldest) = &entry;
      newest = &entry;
      note_tail();
    }
    void take_out(Entry& entry) noexcept {
      const Entry::Links& links = entry.links_;
      (links.newer ? links.newer->links_.older : newest) = links.older;
      (links.older ? links.older->links_.newer : oldest) = links.newer;
      note_tail();
    }
    void note_tail() noexcept { tail.store(oldest ? kThere | oldest->links_.stamp : 0, std::memory_order_relaxed); }
  };
  static constexpr std::uint8_t kSmall = 1;
  static constexpr std::uint8_t kMain = 2;

  struct Pass {
    std::uint64_t hash = 0;
    WallTime until{};
    Reason why;
  };
  static constexpr std::size_t kPasses = 64;

  Queue& queue_of(const Entry& entry) noexcept { return entry.queue_ == kMain ? main : small; }

  // The index: buckets in the order of the hashes that they stand for, so that a walk knows its place in a table that
  // has grown meanwhile.
  static std::uint32_t short_hash(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 26U); }
  std::size_t bucket_of(std::uint32_t hash) const noexcept { return hash >> shift; }
  Entry* first_of(std::uint32_t hash) const noexcept { return buckets[bucket_of(hash)]; }
  void insert(Entry& entry, std::uint32_t stamp);
  /// Gives up the store's share in it.
  [[nodiscard]] EntryPtr remove(Entry& entry) noexcept;
  /// What has been evicted unused is remembered for a while: its return goes among what is wanted. At most half as
  /// many as there are entries: a longer memory takes for wanted what is only common.
  void remember_ghost(std::uint32_t hash) noexcept;
  bool has_ghost(std::uint32_t hash) const noexcept;

  std::mutex mutex;
  std::uint32_t shift = 28;  // 16 buckets
  std::vector<Entry*> buckets = std::vector<Entry*>(16);
  std::size_t count = 0;
  std::unordered_map<std::uint64_t, Label*> labels;
  Queue small;
  Queue main;
  std::vector<std::uint32_t> ghosts = std::vector<std::uint32_t>(kGhostSet);  // in sets, the latest first
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
  std::array<Pass, kPasses> passes;

 private:
  static constexpr std::size_t kGhostSet = 4;
  static constexpr std::size_t kBucketsForGhosts = 16;  // to a set
  std::size_t ghost_set(std::uint32_t hash) const noexcept { return bucket_of(hash) / kBucketsForGhosts * kGhostSet; }
  void grow();
  void link(Label& label);
  void unlink(Label& label) noexcept;
};

}  // namespace rpx::cache
