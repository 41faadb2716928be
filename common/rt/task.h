// Task<T>: a lazy coroutine with one owner. It starts when it is awaited, hands its result to the frame that
// awaits it, and is destroyed with it: cancelling a task is destroying it, and only destructors run.
// One thread; a task never moves to another.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/check.h"
#include "rt/frame_pool.h"

/// On a coroutine whose frame must not become part of its caller's, as the optimiser likes to have it: what a
/// connection needs while it is busy shall not weigh on it while it is idle.
#define RPX_OWN_FRAME [[gnu::noinline]]

namespace rpx::rt {

template <class T>
class Task;

namespace detail {

struct PromiseBase {
  std::coroutine_handle<> parent;
  std::exception_ptr failure;

  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  struct ResumeParent {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      const std::coroutine_handle<> up = self.promise().parent;
      return up ? up : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  ResumeParent final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (failure) std::rethrow_exception(failure);
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task() noexcept = default;
  explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      frame_ = std::exchange(other.frame_, {});
    }
    return *this;
  }
  ~Task() { reset(); }

  /// Destroys the coroutine, wherever it is suspended.
  void reset() noexcept {
    if (frame_) std::exchange(frame_, {}).destroy();
  }
  explicit operator bool() const noexcept { return static_cast<bool>(frame_); }
  bool done() const noexcept { return frame_ && frame_.done(); }

  /// For owners that are not coroutines: sets who is resumed at the end, and starts.
  void start(std::coroutine_handle<> parent) {
    frame_.promise().parent = parent;
    frame_.resume();
  }
  /// The result of a finished task.
  T take() { return frame_.promise().take(); }

  struct Awaiter {
    std::coroutine_handle<promise_type> frame;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) noexcept {
      frame.promise().parent = parent;
      return frame;
    }
    T await_resume() { return frame.promise().take(); }
  };
  Awaiter operator co_await() && noexcept {
    RPX_CHECK(frame_);
    return {frame_};
  }

 private:
  std::coroutine_handle<promise_type> frame_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace rpx::rt
