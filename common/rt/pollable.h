// A descriptor and what the loop knows of its readiness. Edge-triggered: flags say "the next try may succeed",
// a try that would block clears them, an event sets them again. So the usual round is try first, wait only
// then, and epoll_ctl is called at most once a descriptor: at its first wait. One thread.
#pragma once

#include <coroutine>
#include <cstdint>

#include "base/units.h"
#include "rt/timer.h"

namespace rpx::rt {

class Loop;

/// Someone to wake when a descriptor becomes ready. Owned by whoever waits.
class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  /// Called on the loop's thread; the waiter has been taken off the descriptor. May destroy the descriptor.
  virtual void wake() = 0;

 protected:
  ~Waiter() = default;
};

enum class Wake : std::uint8_t { kReady, kTimeout, kInterrupted };

class Pollable final : Timer {
 public:
  Pollable(Loop& loop, int fd) noexcept : loop_(loop), fd_(fd) {}
  Pollable(const Pollable&) = delete;
  Pollable& operator=(const Pollable&) = delete;
  ~Pollable() { unwatch(); }

  int fd() const noexcept { return fd_; }
  Loop& loop() const noexcept { return loop_; }
  bool may_read() const noexcept { return readable_; }
  bool may_write() const noexcept { return writable_; }
  /// The peer has closed its sending side; bytes may still be waiting before the end.
  bool peer_closed() const noexcept { return peer_closed_; }
  /// The connection is gone altogether (reset, or closed both ways).
  bool hung_up() const noexcept { return hung_up_; }
  /// A read has found nothing (more). Kept when the end of the stream is still to be read.
  void cleared_read() noexcept { readable_ = peer_closed_ || hung_up_; }
  void cleared_write() noexcept { writable_ = hung_up_; }

  /// Makes the next read try the descriptor, whatever is believed of it.
  void mark_readable() noexcept { readable_ = true; }
  bool is_watched() const noexcept { return watched_; }
  /// Starts to watch the descriptor now, so that hung_up() is learned without waiting.
  void watch();
  /// Stops watching; to be called before the descriptor is closed, since its number may be used again at once.
  void unwatch() noexcept;
  /// Wakes whoever waits to read, with Wake::kInterrupted.
  void interrupt_read();

  class Readable;
  class Writable;
  /// Suspends until a read (write) may succeed, or until `deadline` (Instant::max() = never).
  Readable readable(Instant deadline) noexcept;
  Writable writable(Instant deadline) noexcept;

  /// Sets who is woken by the next read event, replacing nobody: for watchers that are not coroutines.
  void set_read_waiter(Waiter* waiter);
  void clear_read_waiter(const Waiter* waiter) noexcept {
    if (reader_ == waiter) reader_ = nullptr;
  }

 private:
  friend class Loop;
  void on_events(std::uint32_t events);
  /// One timer for all waits to read: left armed when a wait ends before its deadline, since the next one is there
  /// before it fires.
  void fire() override;
  void wait_to_read(Waiter& waiter, Instant deadline);

  Loop& loop_;
  Waiter* reader_ = nullptr;
  Instant read_deadline_ = Instant::max();  // of the one who waits
  int fd_;
  bool watched_ = false;
  bool readable_ = true;
  bool writable_ = true;
  bool peer_closed_ = false;
  bool hung_up_ = false;
  Wake cause_ = Wake::kReady;  // why the reader is woken
  Waiter* writer_ = nullptr;
};

/// What readable() hands to co_await. Gives Wake.
class Pollable::Readable final : Waiter {
 public:
  Readable(Pollable& io, Instant deadline) noexcept : io_(io), deadline_(deadline) {}
  ~Readable() {
    if (waiting_) io_.clear_read_waiter(this);
  }
  bool await_ready() const noexcept { return io_.readable_; }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    io_.wait_to_read(*this, deadline_);
  }
  Wake await_resume() const noexcept { return result_; }

 private:
  void wake() override;
  Pollable& io_;
  std::coroutine_handle<> waiting_;
  Instant deadline_;
  Wake result_ = Wake::kReady;
};

/// The same of writable(), which is seldom waited for, with a timer of its own.
class Pollable::Writable final : Waiter, Timer {
 public:
  Writable(Pollable& io, Instant deadline) noexcept : io_(io), deadline_(deadline) {}
  ~Writable();
  bool await_ready() const noexcept { return io_.writable_; }
  void await_suspend(std::coroutine_handle<> waiting);
  Wake await_resume() const noexcept { return result_; }

 private:
  void wake() override;
  void fire() override;
  Pollable& io_;
  std::coroutine_handle<> waiting_;
  Instant deadline_;
  Wake result_ = Wake::kReady;
};

inline Pollable::Readable Pollable::readable(Instant deadline) noexcept { return {*this, deadline}; }
inline Pollable::Writable Pollable::writable(Instant deadline) noexcept { return {*this, deadline}; }

}  // namespace rpx::rt
