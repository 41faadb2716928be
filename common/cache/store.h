// The store of one [cache.NAME]: shards of entries in memory under one budget of bytes, evicted by S3-FIFO, the fills
// in progress, and, where there is one, the disk store behind them. Lives on over reloads. Shared by all workers and
// the control threads.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/entry.h"
#include "cache/filter.h"
#include "cache/flight.h"

namespace rpx::cache {

class DiskStore;

/// What has happened since the start; added to by every worker.
struct StoreCounters {
  std::atomic<std::uint64_t> hits{0};         ///< answered from the store, fresh
  std::atomic<std::uint64_t> stale{0};        ///< answered from the store, stale
  std::atomic<std::uint64_t> revalidated{0};  ///< answered from the store once the origin had confirmed it
  std::atomic<std::uint64_t> misses{0};       ///< asked of the origin
  std::atomic<std::uint64_t> bypasses{0};     ///< not for the cache: its method, a body, an upgrade
  std::atomic<std::uint64_t> collapsed{0};    ///< waited for the fill of another request
  std::atomic<std::uint64_t> stored{0};
  std::atomic<std::uint64_t> evicted{0};
  std::atomic<std::uint64_t> invalidated{0};  ///< by unsafe methods
  std::atomic<std::uint64_t> purged{0};
};

class Store {
 public:
  Store(std::string name, Size capacity);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const std::string& name() const noexcept { return name_; }
  StoreCounters& counters() noexcept { return counters_; }
  Size capacity() const noexcept { return capacity_.load(std::memory_order_relaxed); }
  /// The bytes of the largest object that can be kept: in memory, or on the disk where that has more room.
  Size most() const;
  /// Evicts what is over it at once.
  void set_capacity(Size capacity);
  std::uint64_t entries() const noexcept { return entries_.load(std::memory_order_relaxed); }
  std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  /// What is stored goes to this disk store, too, and out of it again; null: in memory alone. The one before is closed,
  /// which waits until it has written what it is to write.
  void use_disk(std::shared_ptr<DiskStore> disk);
  /// Null without one.
  std::shared_ptr<DiskStore> disk() const;
  /// Whether memory has an object of this key and variant, see key_hash and variant_of; with `wanted`, one that has
  /// been asked for of late.
  bool holds(std::uint64_t hash, std::uint64_t variant, bool wanted) const;

  /// A look-up in memory: the whole object, or whether others are stored under the key that the request did not choose.
  struct Found {
    EntryPtr entry;
    bool other_variants = false;
    bool pieces = false;  ///< there are parts of it, for pieces()
  };
  Found find(std::string_view key, const http::Headers& request) const;
  /// The parts that a request chooses of an object that is not there whole.
  std::vector<EntryPtr> pieces(std::string_view key, const http::Headers& request) const;
  /// Holds a share in it; an entry is in one store at most, once. Takes the place of an entry with the same key and the
  /// same chosen fields; a piece, that of pieces it covers or contradicts. One whose body is on the disk alone, or
  /// is too large for memory, goes there and not into memory.
  void put(EntryPtr entry);
  /// One that comes from the disk: as put(), unless a later one is here.
  void put_read(EntryPtr entry);
  /// One that comes from another cache: stored as by put(), unless a later one is here. Says whether it was.
  bool import(EntryPtr entry);
  /// Keeps a coded form beside the body of `entry`, if that is still here, and makes room for it; a final one goes to
  /// the disk store, too.
  void put_form(const Entry& entry, http::Coding coding, CodedForm form);
  /// Takes out everything under `key`, and has fills in progress not be stored. Says how many were in memory. On the
  /// disk it is not found any more; see DiskStore::settle for when it cannot come back.
  std::size_t invalidate(std::string_view key);
  /// Takes out (or with `soft` marks as stale) what `filter` names; nothing changes with `dry`. Tags and groups are
  /// looked up; other filters walk all entries, a few at a time: for threads that may take their time. With a
  /// disk store it waits for the disk: what has been purged does not come back.
  Taken purge(const Filter& filter, bool soft, bool dry);
  /// The same for what is stored under `key`.
  Taken purge_key(std::string_view key, bool soft);
  /// Every entry that `filter` names, by URL.
  std::vector<EntryPtr> list(const Filter& filter) const;

  /// Joins the fill of `key`, or of a `part` of it (a Range): null when one is under way already, which `other` then
  /// is.
  std::shared_ptr<Flight> lead(std::string_view key, std::shared_ptr<Flight>& other, std::string_view part = {});
  /// Ends a fill that lead() began.
  void end(const std::shared_ptr<Flight>& flight, Flight::End end);
  /// A key whose replies are not stored is not waited for: remembered for a while, with why.
  void remember_pass(std::string_view key, Reason why, WallTime until);
  /// Why replies for `key` were not stored of late.
  std::optional<Reason> passes(std::string_view key, WallTime now) const;

 private:
  struct Shard;
  static constexpr std::size_t kShards = 64;
  Shard& shard_of(std::uint64_t hash) const noexcept { return *shards_[hash >> 58U]; }
  template <class Take>
  void each(const Filter& filter, Take take) const;
  template <class Take>
  void each_labelled(const Filter& filter, Take take) const;
  EntryPtr remove(Shard& shard, Entry& entry) noexcept;
  enum class Kept : std::uint8_t {
    kHere,
    kTooLarge,  ///< for memory; what it replaces has gone
    kNot        ///< a later one is here, or it is none for memory
  };
  Kept keep(EntryPtr fresh, bool if_latest);
  void spoil(std::string_view key);
  void spoil_all();
  void add_bytes(const Entry& entry, std::uint64_t bytes) noexcept;
  Shard* oldest(std::uint8_t queue) const noexcept;
  bool evict();
  void make_room();

  std::string name_;
  std::atomic<Size> capacity_;
  std::atomic<std::uint64_t> entries_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> small_bytes_{0};         // of those, what has come lately
  std::atomic<std::uint32_t> stamps_{0};              // told to what is queued
  mutable std::atomic<std::uint32_t> next_shard_{0};  // where to look next for what gives way
  StoreCounters counters_;
  std::array<std::unique_ptr<Shard>, kShards> shards_;
  std::atomic<bool> has_disk_{false};
  mutable std::mutex disk_mutex_;  // guards what follows
  std::shared_ptr<DiskStore> disk_;
};

}  // namespace rpx::cache
