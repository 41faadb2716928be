// Alarm: sleeps that end when they should, to some tens of microseconds, by a kernel timer: for those who measure or
// are measured. The timers of a loop are up to TimerWheel::kTickMs late, and cheaper by far. One thread.
#pragma once

#include <coroutine>
#include <map>

#include "base/units.h"
#include "rt/loop.h"
#include "rt/pollable.h"

namespace rpx::rt {

class Alarm final : Waiter {
 public:
  /// Throws std::system_error when the kernel gives no descriptor. `loop` outlives it.
  explicit Alarm(Loop& loop);
  /// Nobody sleeps any more by then.
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  class Sleep;
  /// Suspends until `at`; never ends early. Cancelled by destroying whoever sleeps.
  Sleep sleep_until(Instant at) noexcept;

 private:
  using Sleepers = std::multimap<Instant, std::coroutine_handle<>>;
  void wake() override;
  void arm() noexcept;

  int fd_;
  Pollable io_;
  Sleepers sleepers_;
};

class Alarm::Sleep {
 public:
  Sleep(Alarm& alarm, Instant at) noexcept : alarm_(alarm), at_(at), place_(alarm.sleepers_.end()) {}
  ~Sleep() {
    if (place_ != alarm_.sleepers_.end()) alarm_.sleepers_.erase(place_);
  }
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;
  bool await_ready() const noexcept { return at_ <= std::chrono::steady_clock::now(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    place_ = alarm_.sleepers_.emplace(at_, waiting);
    if (place_ == alarm_.sleepers_.begin()) alarm_.arm();
  }
  // The alarm has taken it off its list.
  void await_resume() noexcept { place_ = alarm_.sleepers_.end(); }

 private:
  Alarm& alarm_;
  Instant at_;
  Sleepers::iterator place_;
};

inline Alarm::Sleep Alarm::sleep_until(Instant at) noexcept { return {*this, at}; }

}  // namespace rpx::rt
