// The event loop of a worker: descriptors, timers, tasks that go on soon, and calls posted from other
// threads. Everything but post() and stop() belongs to the thread that runs it.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <coroutine>
#include <functional>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "rt/pace.h"
#include "rt/pollable.h"
#include "rt/timer.h"

namespace rpx::rt {

/// Something the loop runs soon, once. Taken out of the queue by its destructor.
class Soon {
 public:
  Soon() = default;
  Soon(const Soon&) = delete;
  Soon& operator=(const Soon&) = delete;
  bool queued() const noexcept { return next_ != nullptr; }
  void dequeue() noexcept {
    if (!next_) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

 protected:
  ~Soon() { dequeue(); }
  virtual void run() = 0;

 private:
  friend class Loop;
  Soon* next_ = nullptr;
  Soon* prev_ = nullptr;
};

class Loop {
 public:
  /// Throws std::system_error when the kernel gives no descriptors.
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(). The calling thread becomes the loop's thread.
  void run();
  /// One round: waits for events at most `longest`, handles them. For tests and run().
  void run_once(Duration longest);
  /// Ends run() after the current round. Any thread.
  void stop();
  /// Has `call` run on the loop's thread. Any thread.
  void post(std::function<void()> call);

  /// The time as of this round's start: what deadlines are counted from.
  Instant now() const noexcept { return now_; }
  TimerWheel& timers() noexcept { return timers_; }
  Pace& pace() noexcept { return pace_; }
  /// Queues `soon` to run in this round or the next; does nothing when it is queued already.
  void soon(Soon& soon) noexcept;

  class Yield;
  /// Lets everything else that is ready go first.
  Yield yield() noexcept;
  class Sleep;
  Sleep sleep_until(Instant at) noexcept;

 private:
  friend class Pollable;
  struct Head final : Soon {
    void run() override {}
  };
  void watch(Pollable& io);
  void forget(Pollable& io) noexcept;
  void run_soon();
  void run_posted();
  int wait_for_events(Duration longest);
  void dispatch(int count);
  void fetch_ahead() const noexcept;

  int epoll_ = -1;
  int wake_ = -1;
  Instant now_;
  TimerWheel timers_;
  Pace pace_;
  Head soon_;
  std::array<epoll_event, 256> events_{};
  int batch_ = 0;  // events of the round not yet handled: events_[at_..batch_)
  int at_ = 0;
  Pollable* current_ = nullptr;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // under mutex_
};

class Loop::Yield final : Soon {
 public:
  explicit Yield(Loop& loop) noexcept : loop_(loop) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    loop_.soon(*this);
  }
  void await_resume() const noexcept {}

 private:
  void run() override { waiting_.resume(); }
  Loop& loop_;
  std::coroutine_handle<> waiting_;
};
inline Loop::Yield Loop::yield() noexcept { return Yield(*this); }

class Loop::Sleep final : Timer {
 public:
  Sleep(Loop& loop, Instant at) noexcept : loop_(loop), at_(at) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    loop_.timers().arm(*this, at_);
  }
  void await_resume() const noexcept {}

 private:
  void fire() override { waiting_.resume(); }
  Loop& loop_;
  Instant at_;
  std::coroutine_handle<> waiting_;
};
inline Loop::Sleep Loop::sleep_until(Instant at) noexcept { return {*this, at}; }

}  // namespace rpx::rt
