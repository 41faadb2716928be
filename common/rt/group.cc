#include "rt/group.h"

#include <exception>

#include "base/log.h"

namespace rpx::rt {

// The frame that drives one task of the group, links itself into it, and destroys itself at the end.
struct TaskGroup::Runner {
  struct promise_type : Link {
    TaskGroup* group = nullptr;
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
    Runner get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct Leave {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
        TaskGroup& owner = *self.promise().group;
        owner.remove(self.promise());
        self.destroy();
        if (owner.size_ == 0) owner.empty_.notify_all();
      }
      void await_resume() const noexcept {}
    };
    Leave final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {
      try {
        throw;
      } catch (const std::exception& failure) {
        log_event(LogLevel::kError, "a task ended with an exception", {{"what", failure.what()}});
      } catch (...) {
        log_event(LogLevel::kError, "a task ended with an unknown exception");
      }
    }
  };
  std::coroutine_handle<promise_type> frame;
};

TaskGroup::Runner TaskGroup::run(Task<void> task) { co_await std::move(task); }

void TaskGroup::spawn(Task<void> task) {
  const Runner runner = run(std::move(task));
  auto& promise = runner.frame.promise();
  promise.group = this;
  promise.frame = runner.frame;
  promise.next = &head_;
  promise.prev = head_.prev;
  head_.prev->next = &promise;
  head_.prev = &promise;
  ++size_;
  runner.frame.resume();
}

void TaskGroup::remove(Link& link) noexcept {
  link.prev->next = link.next;
  link.next->prev = link.prev;
  --size_;
}

void TaskGroup::cancel_all() noexcept {
  while (head_.next != &head_) {
    Link& link = *head_.next;
    remove(link);
    link.frame.destroy();
  }
}

}  // namespace rpx::rt
