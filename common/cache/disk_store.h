// DiskStore: the objects of one [cache.NAME] in a folder, so that they survive restarts and crashes: found through an
// index in memory, read by whoever wants one, written behind by a thread of its own. A disk that fails makes it forget
// and be silent, never the proxy fail. Any thread; what waits for the disk says so.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/units.h"
#include "cache/disk_index.h"
#include "cache/disk_log.h"
#include "cache/options.h"

namespace rpx::cache {

class DiskStore {
 public:
  /// Opens the folder on its own thread; see wait_open(). `cache` is what logs call it.
  /// `tag_field` as for Entry.
  DiskStore(std::string cache, DiskOptions options, std::string tag_field, DiskLog::IsHot is_hot);
  /// Writes what waits.
  ~DiskStore();
  DiskStore(const DiskStore&) = delete;
  DiskStore& operator=(const DiskStore&) = delete;

  const std::string& path() const noexcept { return path_; }
  Size size() const noexcept { return log_.size(); }
  void set_size(Size size);
  void set_tag_field(std::string tag_field);
  DiskCounters& counters() noexcept { return counters_; }
  std::uint64_t objects() const noexcept { return is_open() ? index_.objects() : 0; }
  std::uint64_t bytes() const noexcept { return log_.bytes(); }
  bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }
  /// What is wrong with it, in one line; empty when nothing is.
  std::string complaint() const;
  /// Waits until what is in the folder is known, but not longer than `most`. Says whether it is.
  bool wait_open(Duration most);

  /// Objects under `key`.
  std::vector<DiskObject> find_all(std::string_view key) const;
  /// Those that `request` chooses.
  std::vector<DiskObject> find(std::string_view key, const http::Headers& request) const;
  /// Those that `filter` names.
  std::vector<DiskObject> list(const Filter& filter);
  /// Reads one, and waits for the disk. Null: it is not what was written, and not found any more.
  EntryPtr read(const DiskObject& object);
  /// Reads its head alone, for a body that is to be sent from the disk, and waits for the disk. Null: as read(), or its
  /// body has to be read in one go.
  EntryPtr read_head(const DiskObject& object);
  /// Whether it is what is found still.
  bool has(const DiskObject& object) const { return index_.has(object.hash, object.sequence); }
  /// A piece of `body` could not be read, or was not what had been written: it is not found any more.
  void give_up(const DiskBody& body, const Error& why);

  /// Has `entry` written soon. When too much waits already it is not, and what is there of the object is not used any
  /// more.
  void put(const EntryPtr& entry);
  /// Has a coded form of the body of `entry`, an object that was put, written soon: the best there will be. None where
  /// it would be no shorter (null). When too much waits it is not.
  void put_form(EntryPtr entry, http::Coding coding, std::shared_ptr<const std::string> coded);
  /// Takes out everything under `key`: at once for those who ask, and for good once settle() has returned. True: there
  /// is something to settle.
  bool forget(std::string_view key);
  /// Takes out (or with `soft` marks as stale) what `filter` names, and returns when that is so for good; nothing
  /// changes with `dry`. What `known` says true of is not counted.
  Taken purge(const Filter& filter, bool soft, bool dry, const DiskLog::IsHot& known);
  /// Whether there are purges that are not on the disk yet.
  bool is_settled() const;
  /// Waits until the purges that were asked for before are on the disk.
  void settle();
  /// Waits until everything is.
  void flush();

 private:
  // What is to be written: an object, or a coded form of its body.
  struct Put {
    EntryPtr entry;
    http::Coding coding = http::Coding::kIdentity;
    std::shared_ptr<const std::string> coded;
    bool is_form() const noexcept { return coding != http::Coding::kIdentity; }
    std::uint64_t bytes() const noexcept {
      if (is_form()) return coded ? coded->size() : 0;
      return entry->body().size();
    }
  };

  void run();
  bool open_once();
  bool take(Put put);
  Status write(const Put& put);
  void work(std::unique_lock<std::mutex>& lock);
  void queue(DiskPurge purge);
  void take_back(const Filter& filter, bool soft);
  void skip(const Entry& entry);
  void read_forms(const DiskObject& object, const Entry& entry);
  std::string tag_field() const;
  void complain(const DiskPlace& place, std::string_view url, const Error& why);
  void note(const Status& done);

  const std::string cache_;
  const std::string path_;
  DiskCounters counters_;
  DiskIndex index_;
  DiskLog log_;
  std::atomic<bool> open_{false};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::condition_variable done_;
  std::deque<Put> puts_;
  std::uint64_t waiting_bytes_ = 0;
  std::deque<DiskPurge> purges_;
  std::uint64_t purges_asked_ = 0;
  std::uint64_t purges_done_ = 0;
  std::uint64_t busy_with_ = 0;  // hash of what is being written
  bool busy_ = false;
  bool tried_ = false;  // to open
  bool ending_ = false;
  bool resized_ = false;
  std::string complaint_;
  std::string tag_field_;
  Instant write_after_{};
  std::thread thread_;
};

}  // namespace rpx::cache
