// A pointer that one thread puts in place and others take: what std::atomic<std::shared_ptr> is for, and what libstdc++
// 12 does not do right (its load() lets go of its lock without a release, so that a store() races with it). Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace rpx {

template <class T>
class Published {
 public:
  /// What was stored last; null before. The taker's own for as long as it is kept.
  std::shared_ptr<T> load() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }
  void store(std::shared_ptr<T> value) {
    {
      const std::scoped_lock lock(mutex_);
      value_.swap(value);
    }
    // What was there before ends here, out of the lock.
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<T> value_;  // under mutex_
};

}  // namespace rpx
