// TaskGroup owns tasks that run side by side: a worker's connections. Nothing is detached: what has not ended
// when the group is destroyed is cancelled with it. One thread.
#pragma once

#include <coroutine>
#include <cstddef>

#include "rt/event.h"
#include "rt/task.h"

namespace rpx::rt {

class TaskGroup {
 public:
  explicit TaskGroup(Loop& loop) noexcept : empty_(loop) { head_.next = head_.prev = &head_; }
  ~TaskGroup() { cancel_all(); }
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Takes `task` and runs it until it first suspends. An exception that escapes it is logged and ends it.
  void spawn(Task<void> task);
  /// Destroys every task that has not ended.
  void cancel_all() noexcept;
  std::size_t size() const noexcept { return size_; }
  /// Notified whenever the last task ends.
  Event& empty() noexcept { return empty_; }

 private:
  struct Link {
    Link* next = nullptr;
    Link* prev = nullptr;
    std::coroutine_handle<> frame;
  };
  struct Runner;
  static Runner run(Task<void> task);
  void remove(Link& link) noexcept;

  Link head_;
  std::size_t size_ = 0;
  Event empty_;
};

}  // namespace rpx::rt
