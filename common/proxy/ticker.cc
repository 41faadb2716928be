#include "proxy/ticker.h"

#include <pthread.h>

#include <chrono>

namespace rpx::proxy {
namespace {

// How late a change may be noticed.
constexpr std::chrono::milliseconds kEvery{200};

}  // namespace

void Ticker::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Ticker::stop() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Ticker::run() {
  pthread_setname_np(pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, kEvery, [this] { return ending_; })) {
    lock.unlock();
    look_();
    lock.lock();
  }
}

}  // namespace rpx::proxy
