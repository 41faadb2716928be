// Flight: a reply on its way into the store, and the requests that wait for it, on any worker. One request leads and
// ends it, by its destructor at the latest; the others are told on their own loops.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "rt/event.h"
#include "rt/loop.h"
#include "rt/task.h"

namespace rpx::cache {

class Flight : public std::enable_shared_from_this<Flight> {
 public:
  enum class End : std::uint8_t {
    kUnderWay,
    kStored,   ///< look again
    kNothing,  ///< what came is not for others: ask yourself
    kFailed    ///< the leader is gone: one of the others leads
  };

  /// `part`: the Range it is the answer to; empty for whole objects.
  explicit Flight(std::string key, std::string part = {}) : key_(std::move(key)), part_(std::move(part)) {}
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  const std::string& key() const noexcept { return key_; }
  const std::string& part() const noexcept { return part_; }
  /// Ends it, once, and wakes who waits. Any thread.
  void finish(End end);
  /// What comes is out of date before it is there: it is not stored.
  void spoil() noexcept;
  bool spoiled() const noexcept;
  /// Waits on `loop`, the caller's own, until it has ended, or `deadline`: then kUnderWay.
  rt::Task<End> wait(rt::Loop& loop, Instant deadline);

 private:
  struct Waiting {
    rt::Loop* loop;
    rt::Event* event;  // null once nobody waits any more; touched on the loop's thread alone
  };
  class Place;

  const std::string key_;
  const std::string part_;
  mutable std::mutex mutex_;
  End end_ = End::kUnderWay;
  bool spoiled_ = false;
  std::vector<std::shared_ptr<Waiting>> waiting_;
};

}  // namespace rpx::cache
