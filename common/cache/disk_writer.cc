// The thread of a disk store: opens the folder, then does what is asked for, purges first.
#include <pthread.h>

#include "base/log.h"
#include "cache/disk_store.h"
#include "cache/key.h"

namespace rpx::cache {
namespace {

constexpr Duration kReopen = std::chrono::seconds(1);
constexpr Duration kRewrite = std::chrono::seconds(5);

}  // namespace

void DiskStore::run() {
  pthread_setname_np(pthread_self(), "rpx-disk");
  while (!open_once()) {
    std::unique_lock lock(mutex_);
    tried_ = true;
    done_.notify_all();
    changed_.wait_for(lock, kReopen, [this] { return ending_; });
    if (ending_) return;
  }
  std::unique_lock lock(mutex_);
  // Purges that were asked for while it was not open.
  while (!purges_.empty()) work(lock);
  open_.store(true, std::memory_order_release);
  tried_ = true;
  done_.notify_all();
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || resized_ || !puts_.empty() || !purges_.empty(); });
    if (resized_ || !puts_.empty() || !purges_.empty())
      work(lock);
    else if (ending_)
      return;
  }
}

bool DiskStore::open_once() {
  const Status opened = log_.open(path_);
  const std::scoped_lock lock(mutex_);
  if (opened) {
    if (!complaint_.empty())
      log_event(LogLevel::kNotice, "cache: the disk store is open", {{"cache", cache_}, {"path", path_}});
    complaint_.clear();
    return true;
  }
  if (complaint_ != opened.error().detail)
    log_event(LogLevel::kError,
              "cache: the disk store cannot be used; it is tried again, and only memory serves until then",
              {{"cache", cache_}, {"path", path_}, {"why", opened.error().detail}});
  complaint_ = opened.error().detail;
  return false;
}

Status DiskStore::write(const Put& put) {
  if (!put.is_form()) return log_.put(*put.entry);
  return log_.put_form(*put.entry, put.coding, put.coded ? std::string_view(*put.coded) : std::string_view());
}

// One piece of work, without the lock.
void DiskStore::work(std::unique_lock<std::mutex>& lock) {
  busy_ = true;
  if (!purges_.empty()) {
    const DiskPurge purge = std::move(purges_.front());
    purges_.pop_front();
    lock.unlock();
    const Status done = log_.purge(purge);
    lock.lock();
    ++purges_done_;
    note(done);
  } else if (resized_) {
    resized_ = false;
    lock.unlock();
    const Status done = log_.shrink();
    lock.lock();
    note(done);
  } else {
    const Put put = std::move(puts_.front());
    puts_.pop_front();
    waiting_bytes_ -= put.bytes();
    busy_with_ = key_hash(put.entry->key());
    const bool tries = std::chrono::steady_clock::now() >= write_after_;
    lock.unlock();
    Status done;
    if (tries) done = write(put);
    if ((!tries || !done) && !put.is_form()) skip(*put.entry);
    lock.lock();
    if (tries) note(done);
  }
  busy_ = false;
  done_.notify_all();
}

// One line when it begins to fail, and one when it is over.
void DiskStore::note(const Status& done) {
  if (done) {
    if (!complaint_.empty())
      log_event(LogLevel::kNotice, "cache: the disk store is written to again", {{"cache", cache_}, {"path", path_}});
    complaint_.clear();
    return;
  }
  counters_.errors.fetch_add(1, std::memory_order_relaxed);
  write_after_ = std::chrono::steady_clock::now() + kRewrite;
  if (complaint_.empty())
    log_event(LogLevel::kError,
              "cache: the disk store cannot be written to; objects stay in memory alone until it can be again: make "
              "room on its disk, or make its size smaller",
              {{"cache", cache_}, {"path", path_}, {"why", done.error().detail}});
  complaint_ = done.error().detail;
}

}  // namespace rpx::cache
