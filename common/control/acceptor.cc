#include "control/acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iterator>
#include <system_error>

#include "base/log.h"

namespace rpx::control {

namespace {
constexpr int kThreads = 4;
constexpr auto kPause = std::chrono::milliseconds(100);
}  // namespace

Acceptor::Acceptor(int listening_fd, std::function<void(int fd)> serve)
    : fd_(listening_fd), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), serve_(std::move(serve)) {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

Status Acceptor::start() {
  if (!stop_) return self_error(ErrorKind::kInternal, errno_text("eventfd", errno));
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
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof(one));
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
    pollfd watched[] = {{.fd = fd_, .events = POLLIN, .revents = 0},
                        {.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    if (::poll(watched, std::size(watched), -1) < 0 && errno != EINTR && pause()) return;
    if (watched[1].revents != 0) return;
    if (watched[0].revents == 0) continue;
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      serve(fd);
    } else if (errno != EINTR && errno != ECONNABORTED && errno != EAGAIN && pause()) {
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
