// Event: tasks wait until somebody says so. Waiters resume from the loop's queue, never inside set(), so that
// whoever sets it may be destroyed by those it wakes. One thread.
#pragma once

#include <coroutine>

#include "base/units.h"
#include "rt/loop.h"
#include "rt/timer.h"

namespace rpx::rt {

class Event {
 public:
  explicit Event(Loop& loop) noexcept : loop_(loop) { head_.next = head_.prev = &head_; }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  class Wait;
  /// Suspends until the next notify_all() or notify_one(), or until `deadline`; true when notified.
  Wait wait(Instant deadline = Instant::max()) noexcept;
  void notify_all() noexcept;
  void notify_one() noexcept;
  bool has_waiters() const noexcept { return head_.next != &head_; }

 private:
  struct Link {
    Link* next = nullptr;
    Link* prev = nullptr;
    void unlink() noexcept {
      if (!next) return;
      prev->next = next;
      next->prev = prev;
      next = prev = nullptr;
    }
  };
  Loop& loop_;
  Link head_;
};

class Event::Wait final : Event::Link, Soon, Timer {
 public:
  Wait(Event& event, Instant deadline) noexcept : event_(event), deadline_(deadline) {}
  ~Wait() { unlink(); }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    next = &event_.head_;
    prev = event_.head_.prev;
    prev->next = this;
    event_.head_.prev = this;
    if (deadline_ != Instant::max()) event_.loop_.timers().arm(*this, deadline_);
  }
  bool await_resume() const noexcept { return notified_; }

 private:
  friend class Event;
  void run() override { waiting_.resume(); }
  void fire() override {
    unlink();
    waiting_.resume();
  }
  void notify() noexcept {
    unlink();
    disarm();
    notified_ = true;
    event_.loop_.soon(*this);
  }
  Event& event_;
  Instant deadline_;
  std::coroutine_handle<> waiting_;
  bool notified_ = false;
};

inline Event::Wait Event::wait(Instant deadline) noexcept { return {*this, deadline}; }
inline void Event::notify_one() noexcept {
  if (has_waiters()) static_cast<Wait*>(head_.next)->notify();
}
inline void Event::notify_all() noexcept {
  while (has_waiters()) static_cast<Wait*>(head_.next)->notify();
}

}  // namespace rpx::rt
