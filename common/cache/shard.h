// Shard: a part of a Store, with its index, its queues and its fills. For store.cc and its neighbours; whoever touches
// one holds its mutex.
#pragma once

#include <array>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "cache/store.h"

namespace rpx::cache {

struct Store::Shard {
  /// First in, first out; the oldest end gives way.
  struct Queue {
    Entry* newest = nullptr;
    Entry* oldest = nullptr;
    std::uint64_t bytes = 0;

    void push(Entry& entry) noexcept {
      Entry::Links& links = entry.links_;
      links.newer = nullptr;
      links.older = newest;
      (newest ? newest->links_.newer : oldest) = &entry;
      newest = &entry;
      bytes += entry.bytes();
    }
    void take_out(Entry& entry) noexcept {
      const Entry::Links& links = entry.links_;
      (links.newer ? links.newer->links_.older : newest) = links.older;
      (links.older ? links.older->links_.newer : oldest) = links.newer;
      bytes -= entry.bytes();
    }
  };
  static constexpr std::uint8_t kSmall = 1;
  static constexpr std::uint8_t kMain = 2;

  struct Pass {
    std::uint64_t hash = 0;
    WallTime until{};
    Reason why;
  };
  static constexpr std::size_t kPasses = 64;

  Queue& queue_of(const Entry& entry) noexcept { return entry.links_.queue == kMain ? main : small; }

  // The index: buckets in the order of the hashes that they stand for, so that a walk knows its place in a table that
  // has grown meanwhile.
  static std::uint32_t short_hash(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 26U); }
  std::size_t bucket_of(std::uint32_t hash) const noexcept { return hash >> shift; }
  Entry* first_of(std::uint32_t hash) const noexcept { return buckets[bucket_of(hash)]; }
  void insert(Entry& entry);
  /// Gives up the store's share in it.
  [[nodiscard]] EntryPtr remove(Entry& entry) noexcept;
  void remember_ghost(std::uint32_t hash);

  std::mutex mutex;
  std::uint32_t shift = 28;  // 16 buckets
  std::vector<Entry*> buckets = std::vector<Entry*>(16);
  std::size_t count = 0;
  std::unordered_map<std::uint64_t, Label*> labels;
  Queue small;
  Queue main;
  std::unordered_set<std::uint32_t> ghosts;
  std::deque<std::uint32_t> ghost_order;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
  std::array<Pass, kPasses> passes;

 private:
  void grow();
  void link(Label& label);
  void unlink(Label& label) noexcept;
};

}  // namespace rpx::cache
