// Offload: a few threads for work that would hold a loop up: hashing a password, reading a file. Work is handed over
// from a loop's thread, and its result comes back to that loop; whoever has stopped waiting by then is not disturbed.
// Bounded: when too much waits already, work is refused rather than queued. Threads start with the first work.
// run() belongs to loop threads; the pool is destroyed before any of the loops that used it, by no loop's thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "rt/loop.h"

namespace rpx::rt {

namespace detail {

template <class T>
struct OffloadResult {
  using Type = Result<T>;
};
template <class T>
struct OffloadResult<std::expected<T, Error>> {
  using Type = std::expected<T, Error>;
};

/// One piece of work on its way through the pool and back.
class OffloadJob {
 public:
  explicit OffloadJob(Loop& loop) noexcept : loop_(loop) {}
  OffloadJob(const OffloadJob&) = delete;
  OffloadJob& operator=(const OffloadJob&) = delete;
  virtual ~OffloadJob() = default;

  /// On a thread of the pool. What it leaves behind is read on the loop's thread, after the post.
  virtual void run() noexcept = 0;
  Loop& loop() const noexcept { return loop_; }
  /// Nobody waits any more: work that has not begun need not. Set by the loop's thread, seen by the pool's.
  std::atomic<bool> abandoned{false};
  std::coroutine_handle<> waiting;  ///< loop's thread alone

 private:
  Loop& loop_;
};

}  // namespace detail

class Offload {
 public:
  /// At most `threads` (1 or more) at work, at most `most_waiting` pieces of work waiting for one.
  Offload(std::size_t threads, std::size_t most_waiting) noexcept : threads_(threads), most_waiting_(most_waiting) {}
  /// Forgets what waits, and returns when what is under way has ended.
  ~Offload();
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;

  template <class Work>
  class Run;
  /// `co_await offload.run(loop, work)`: suspends until `work()` has run on another thread, and gives what it returned:
  /// Result<T> for a T, the same for a Result. Errors besides those of `work`: kOverload, when too much waits. What
  /// `work` throws is thrown here. `work` owns everything it uses: it may run on, and be destroyed on any thread, when
  /// the waiting task has been destroyed.
  template <class Work>
  Run<std::decay_t<Work>> run(Loop& loop, Work&& work) {
    return Run<std::decay_t<Work>>(*this, loop, std::forward<Work>(work));
  }

  std::size_t waiting() const;

 private:
  bool submit(std::shared_ptr<detail::OffloadJob> job);
  void serve();

  const std::size_t threads_;
  const std::size_t most_waiting_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<detail::OffloadJob>> queue_;
  std::vector<std::thread> pool_;
  std::size_t idle_ = 0;
  bool ending_ = false;
};

template <class Work>
class [[nodiscard]] Offload::Run {
 public:
  using Returned = std::invoke_result_t<Work&>;
  using Outcome = detail::OffloadResult<Returned>::Type;

  Run(Offload& offload, Loop& loop, Work work)
      : offload_(offload), job_(std::make_shared<Job>(loop, std::move(work))) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    job_->waiting = {};
    job_->abandoned.store(true, std::memory_order_relaxed);
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    job_->waiting = waiting;
    if (offload_.submit(job_)) return true;
    job_->waiting = {};
    job_->outcome.emplace(self_error(ErrorKind::kOverload, "too much work waits for a thread"));
    return false;
  }
  Outcome await_resume() {
    if (job_->thrown) std::rethrow_exception(job_->thrown);
    return std::move(*job_->outcome);
  }

 private:
  struct Job final : detail::OffloadJob {
    Job(Loop& loop, Work what) : OffloadJob(loop), work(std::move(what)) {}
    void run() noexcept override {
      try {
        if constexpr (std::is_void_v<Returned>) {
          work();
          outcome.emplace();
        } else {
          outcome.emplace(work());
        }
      } catch (...) {
        thrown = std::current_exception();
      }
    }
    Work work;
    std::optional<Outcome> outcome;
    std::exception_ptr thrown;
  };

  Offload& offload_;
  std::shared_ptr<Job> job_;
};

}  // namespace rpx::rt
