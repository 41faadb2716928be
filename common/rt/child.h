// Child: a task that runs beside the frame that owns it, such as the upload of a request body while the reply
// is awaited. Destroying it cancels it. One thread.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>

#include "rt/event.h"
#include "rt/task.h"

namespace rpx::rt {

template <class T>
class Child {
 public:
  explicit Child(Loop& loop) noexcept : loop_(loop), ended_(loop) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { cancel(); }

  /// Starts `task` now, until it first suspends. `on_end`, when given, is queued to run when the task has ended;
  /// it must outlive the child.
  void start(Task<T> task, Soon* on_end = nullptr) {
    cancel();
    on_end_ = on_end;
    runner_ = run(std::move(task));
    runner_.start(std::noop_coroutine());
  }
  /// Started and not cancelled since.
  bool started() const noexcept { return static_cast<bool>(runner_); }
  bool done() const noexcept { return result_.has_value() || thrown_; }
  /// The result, once done(). Throws what the task threw.
  T& result() {
    if (thrown_) std::rethrow_exception(thrown_);
    return *result_;
  }
  /// Suspends until the task has ended, or until `deadline`; true when it has.
  Task<bool> wait(Instant deadline = Instant::max()) {
    while (!done()) {
      const bool notified = co_await ended_.wait(deadline);
      if (!notified) co_return false;
    }
    co_return true;
  }
  void cancel() noexcept {
    if (!runner_) return;
    runner_.reset();
    result_.reset();
    thrown_ = nullptr;
  }

 private:
  Task<void> run(Task<T> task) {
    try {
      result_.emplace(co_await std::move(task));
    } catch (...) {
      thrown_ = std::current_exception();
    }
    ended_.notify_all();
    if (on_end_) loop_.soon(*on_end_);
  }

  Loop& loop_;
  Task<void> runner_;
  std::optional<T> result_;
  std::exception_ptr thrown_;
  Event ended_;
  Soon* on_end_ = nullptr;
};

}  // namespace rpx::rt
