#include "rt/alarm.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "base/check.h"

namespace rpx::rt {
namespace {

int make_timer() {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd");
  return fd;
}

}  // namespace

Alarm::Alarm(Loop& loop) : fd_(make_timer()), io_(loop, fd_) {
  io_.cleared_read();
  io_.watch();
  io_.set_read_waiter(this);
}

Alarm::~Alarm() {
  io_.clear_read_waiter(this);
  io_.unwatch();
  close(fd_);
}

void Alarm::arm() noexcept {
  if (sleepers_.empty()) return;
  const auto since = sleepers_.begin()->first.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = std::max<long>((since - seconds).count(), 1);  // nothing at all would disarm it
  RPX_CHECK(timerfd_settime(fd_, TFD_TIMER_ABSTIME, &when, nullptr) == 0);
}

void Alarm::wake() {
  io_.cleared_read();
  io_.set_read_waiter(this);
  while (!sleepers_.empty() && sleepers_.begin()->first <= std::chrono::steady_clock::now()) {
    const std::coroutine_handle<> due = sleepers_.begin()->second;
    sleepers_.erase(sleepers_.begin());
    due.resume();
  }
  arm();
}

}  // namespace rpx::rt
