#include "rt/offload.h"

#include <pthread.h>

namespace rpx::rt {

Offload::~Offload() {
  std::deque<std::shared_ptr<detail::OffloadJob>> forgotten;
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
    forgotten.swap(queue_);
  }
  changed_.notify_all();
  for (std::thread& thread : pool_) thread.join();
}

std::size_t Offload::waiting() const {
  const std::scoped_lock lock(mutex_);
  return queue_.size();
}

bool Offload::submit(std::shared_ptr<detail::OffloadJob> job) {
  {
    const std::scoped_lock lock(mutex_);
    // A thread that is idle, or not there yet, takes one at once.
    const std::size_t most = most_waiting_ + idle_ + threads_ - pool_.size();
    if (queue_.size() >= most) {
      // Those who have left make room first.
      std::erase_if(queue_, [](const auto& one) { return one->abandoned.load(std::memory_order_relaxed); });
      if (queue_.size() >= most) return false;
    }
    queue_.push_back(std::move(job));
    if (queue_.size() > idle_ && pool_.size() < threads_) pool_.emplace_back([this] { serve(); });
  }
  changed_.notify_one();
  return true;
}

void Offload::serve() {
  pthread_setname_np(pthread_self(), "rpx-offload");
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    --idle_;
    if (ending_) return;
    std::shared_ptr<detail::OffloadJob> job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    if (!job->abandoned.load(std::memory_order_relaxed)) {
      job->run();
      Loop& loop = job->loop();
      loop.post([job = std::move(job)] {
        if (job->waiting) std::exchange(job->waiting, {}).resume();
      });
    }
    job.reset();
    lock.lock();
  }
}

}  // namespace rpx::rt
