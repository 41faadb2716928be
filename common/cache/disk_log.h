// DiskLog: the folder of a disk store: segments that grow at the end and go at the front, under one budget of bytes;
// the purges; the lock that keeps other processes out. Fills the index when opened, and keeps it. The writer's thread
// alone, but for what is atomic.
//
//   lock                       held as long as the store is open
//   purges                     what has been purged, see disk_purges.h
//   000000000000002a.segment   objects, see disk_format.h; the oldest goes when room is needed, and what is wanted of
//   it
//                              is written again
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "base/error.h"
#include "cache/disk_format.h"
#include "cache/disk_index.h"
#include "cache/disk_purges.h"

namespace rpx::cache {

/// What has happened since the start.
struct DiskCounters {
  std::atomic<std::uint64_t> hits{0};     ///< requests that found an object here which memory did not have
  std::atomic<std::uint64_t> reads{0};    ///< objects read
  std::atomic<std::uint64_t> written{0};  ///< objects written
  std::atomic<std::uint64_t> read_bytes{0};
  std::atomic<std::uint64_t> written_bytes{0};
  std::atomic<std::uint64_t> evicted{0};  ///< objects that gave way to others
  std::atomic<std::uint64_t> skipped{0};  ///< objects not written: too much waited, or the disk failed
  std::atomic<std::uint64_t> damaged{0};  ///< objects that were not what had been written
  std::atomic<std::uint64_t> errors{0};   ///< calls that failed
};

class DiskLog {
 public:
  /// Whether memory has an object of this hash and variant that is wanted.
  using IsHot = std::function<bool(std::uint64_t hash, std::uint64_t variant)>;
  DiskLog(DiskIndex& index, DiskCounters& counters, IsHot is_hot)
      : index_(index), counters_(counters), is_hot_(std::move(is_hot)) {}
  DiskLog(const DiskLog&) = delete;
  DiskLog& operator=(const DiskLog&) = delete;

  /// Makes the folder where there is none, keeps others out, and reads what is there. Errors: kIo, in one line; what
  /// was opened is closed again.
  Status open(const std::string& path);
  bool is_open() const noexcept { return static_cast<bool>(folder_); }
  void set_size(std::uint64_t size) noexcept { size_ = size; }
  /// Of all its files together.
  std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  std::uint64_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

  /// Writes an object, unless it is larger than all. Errors: kIo; nothing has changed but that others may have gone.
  Status put(const Entry& entry);
  /// Writes a coded form of the body of `entry`, empty where it would be no shorter, unless another object has taken
  /// its place here. Errors as put().
  Status put_form(const Entry& entry, http::Coding coding, std::string_view coded);
  /// Takes out what `purge` names, for good: nothing of it is found when this returns, nor by any process that opens
  /// the folder. Errors: kIo: the purge could not be written down, and everything has been taken out instead.
  Status purge(const DiskPurge& purge);
  /// Takes everything out.
  void clear();
  /// Gives way to what is over the size.
  Status shrink() { return make_room(0); }

 private:
  Status open_folder(const std::string& path);
  Status read_segments();
  Status make_room(std::uint64_t bytes);
  void reclaim_oldest();
  struct Written {
    std::uint64_t sequence;
    DiskPlace head;
    DiskPlace body;
  };
  Status put_head(const Entry& entry);
  Result<Written> append(RecordHeader header, std::string_view head, std::string_view body);
  Status append_form(std::string_view key, std::uint64_t hash, std::uint64_t body_sequence, http::Coding coding,
                     std::string_view coded);
  bool has_body(const DiskObject& object, std::string_view body, std::uint32_t sum) const;
  struct Kept {
    DiskObject object;
    std::string key;
    std::string head;
    std::string body;
    std::vector<std::pair<http::Coding, std::string>> forms;
  };
  Status write_again(Kept& one);
  std::vector<Kept> kept_of(const SegmentPtr& segment, const std::vector<DiskObject>& objects) const;
  void remove_file(const SegmentPtr& segment);
  void count_bytes();
  std::uint64_t segment_size() const noexcept;

  DiskIndex& index_;
  DiskCounters& counters_;
  IsHot is_hot_;
  std::atomic<std::uint64_t> size_{0};
  std::atomic<std::uint64_t> bytes_{0};
  net::UniqueFd folder_;
  net::UniqueFd lock_;
  PurgeFile purges_;
  struct Held {
    SegmentPtr segment;
    std::uint64_t first_sequence;  // 0: there are no records
  };
  std::deque<Held> segments_;  // oldest first; the last one grows
  std::uint64_t next_number_ = 1;
  std::uint64_t next_sequence_ = 1;
};

}  // namespace rpx::cache
