#include "control/acceptor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>
#include <system_error>

#include "base/log.h"

namespace rpx::control {

namespace {
constexpr int kThreads = 4;
constexpr auto kPause = std::chrono::milliseconds(100);
}  // namespace

Status Acceptor::start() {
  try {
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
  } catch (const std::system_error& error) {
    stop();
    return self_error(ErrorKind::kInternal, std::string("a control thread cannot be started: ") + error.what());
  }
  return {};
}

void Acceptor::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ::shutdown(fd_, SHUT_RDWR);
    for (const int fd : connected_) ::shutdown(fd, SHUT_RDWR);
  }
  stopped_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

// Waits a moment where accepting failed for want of descriptors or memory. True when it is time to end.
bool Acceptor::pause() {
  std::unique_lock lock(mutex_);
  return stopped_.wait_for(lock, kPause, [this] { return stopping_; });
}

void Acceptor::run() {
  for (;;) {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      serve(fd);
    } else if (errno != EINTR && errno != ECONNABORTED && pause()) {
      return;
    }
  }
}

void Acceptor::serve(int fd) {
  // A second descriptor is served and closed; this one stays ours until the end, so that stop() cannot shut down
  // whatever the number has been given to since.
  const int served = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  {
    const std::lock_guard lock(mutex_);
    connected_.insert(fd);
    if (stopping_) ::shutdown(fd, SHUT_RDWR);
  }
  try {
    if (served >= 0) serve_(served);
  } catch (const std::exception& error) {
    log_event(LogLevel::kDebug, "control connection failed", {{"why", error.what()}});
  }
  const std::lock_guard lock(mutex_);
  connected_.erase(fd);
  ::close(fd);
}

}  // namespace rpx::control
