#include "proxy/watcher.h"

#include <pthread.h>

#include <chrono>

namespace rpx::proxy {
namespace {

// How late a change may be noticed.
constexpr std::chrono::milliseconds kPace{500};

}  // namespace

void Watcher::watch(std::vector<std::shared_ptr<policy::Watched>> those) {
  const std::scoped_lock lock(mutex_);
  watched_ = std::move(those);
  if (!thread_.joinable() && !watched_.empty() && !ending_) thread_ = std::thread([this] { follow(); });
}

void Watcher::stop() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watcher::follow() {
  pthread_setname_np(pthread_self(), "rpx-watcher");
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kPace, [this] { return ending_; })) {
    const auto those = watched_;
    lock.unlock();
    for (const auto& one : those) one->look(std::chrono::steady_clock::now());
    lock.lock();
  }
}

}  // namespace rpx::proxy
