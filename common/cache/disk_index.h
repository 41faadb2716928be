// DiskIndex: what a disk store holds and where, in memory: found by the hash of the key, told apart by what a request
// chooses them by. Any thread; no function waits for the disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cache/disk_brief.h"
#include "cache/disk_files.h"
#include "cache/disk_head.h"

namespace rpx::cache {

/// Bytes of a segment, and their checksum.
struct DiskPlace {
  SegmentPtr segment;
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;
  std::uint32_t sum = 0;
};

/// A coded form of a body, made earlier; of no bytes where it would be no shorter. In no older segment than the body.
struct DiskForm {
  http::Coding coding = http::Coding::kIdentity;
  DiskPlace place;
};

/// An object on the disk.
struct DiskObject {
  std::uint64_t hash = 0;           ///< key_hash of its key
  std::uint64_t variant = 0;        ///< of what it varies by
  std::uint64_t piece = 0;          ///< 0: it is whole; otherwise what tells pieces apart
  std::uint64_t sequence = 0;       ///< of its head's record
  std::uint64_t body_sequence = 0;  ///< of its body's
  DiskPlace head;
  DiskPlace body;
  std::vector<DiskForm> forms;  ///< at most one of each coding
  WallTime answered{};
  Duration lifetime{};
  Duration initial_age{};
  std::uint16_t status = 200;
  bool no_cache = false;
  bool outdated = false;
  bool dead = false;        ///< not to be used, though it is on the disk and has to be purged like others
  std::uint8_t wanted = 0;  ///< how often it was read of late, 0–3
  std::uint32_t hits = 0;
  std::string brief;  ///< see disk_brief.h

  Duration age(WallTime now) const noexcept { return initial_age + (now > answered ? now - answered : Duration{}); }
};
/// All but its places, sequence numbers and hash.
void describe(DiskObject& object, const DiskHead& head);

class DiskIndex {
 public:
  std::uint64_t objects() const noexcept { return objects_.load(std::memory_order_relaxed); }

  /// Takes the place of an object with the same key, variant and piece; a whole object, that of its pieces. With the
  /// same body it keeps that one's forms.
  void add(DiskObject object);
  /// A coded form of the body that `body_sequence` tells.
  void add_form(std::uint64_t hash, std::uint64_t body_sequence, const DiskForm& form);
  /// A form that is not what was written.
  void remove_form(std::uint64_t hash, std::uint64_t body_sequence, http::Coding coding);
  /// Those under the hash of a key that may be used.
  std::vector<DiskObject> find(std::uint64_t hash) const;
  /// Whether an object is there still, and its sequence number the same.
  bool has(std::uint64_t hash, std::uint64_t sequence) const;
  /// Counts a use.
  void used(std::uint64_t hash, std::uint64_t sequence);
  void remove(std::uint64_t hash, std::uint64_t sequence);
  /// It, or with sequence 0 all under the hash, are not found any more.
  void kill(std::uint64_t hash, std::uint64_t sequence);
  /// Everything under a key's hash, the dead too. Says how many.
  std::size_t remove_all(std::uint64_t hash);
  /// Hands every object that `filter` names, the dead too, to `take`, under the lock of a part of the index; true = it
  /// goes.
  template <class Take>
  void each(const Filter& filter, Take take);
  /// What has its body in a segment.
  std::vector<DiskObject> in_segment(std::uint64_t segment) const;
  /// Forgets that. Says how many could be used.
  std::size_t drop(std::uint64_t segment);
  void clear();

 private:
  using Objects = std::list<DiskObject>;
  struct Slot {
    std::uint64_t segment;
    Objects::iterator at;
  };
  std::vector<std::uint64_t> segments() const;
  void erase(std::unordered_multimap<std::uint64_t, Slot>::iterator at);
  void erase_indexed(std::uint64_t segment, Objects::iterator at);

  mutable std::mutex mutex_;
  std::map<std::uint64_t, Objects> by_segment_;  // of the body
  std::unordered_multimap<std::uint64_t, Slot> by_hash_;
  std::atomic<std::uint64_t> objects_{0};
};

template <class Take>
void DiskIndex::each(const Filter& filter, Take take) {
  // Segment by segment, so that nobody waits for all of it.
  for (const std::uint64_t segment : segments()) {
    const std::scoped_lock lock(mutex_);
    const auto group = by_segment_.find(segment);
    if (group == by_segment_.end()) continue;
    for (auto at = group->second.begin(); at != group->second.end();) {
      const auto one = at++;
      if (suits(filter, one->brief) && take(*one)) erase_indexed(segment, one);
    }
  }
}

}  // namespace rpx::cache
