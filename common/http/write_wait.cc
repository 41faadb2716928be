#include "http/write_wait.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>

#include "rt/loop.h"

namespace rpx::http {
namespace {

// How often the kernel is asked, of a peer that keeps us waiting.
constexpr Duration kLook = std::chrono::seconds(1);
// A short first moment is no measure of a peer's speed.
constexpr Duration kGrace = std::chrono::seconds(5);

// Bytes that the peer has taken, but for a constant: what was sent less what the kernel still holds.
std::int64_t taken_of(int fd, std::uint64_t sent) noexcept {
  int held = 0;
  if (ioctl(fd, SIOCOUTQ, &held) != 0) held = 0;
  return static_cast<std::int64_t>(sent) - held;
}

}  // namespace

bool WriteWait::is_too_slow(std::int64_t taken) const noexcept {
  if (least_ == 0 || waited_ < kGrace) return false;
  const double seconds = std::chrono::duration<double>(waited_).count();
  return static_cast<double>(taken - *first_) < static_cast<double>(least_) * seconds;
}

rt::Task<Status> WriteWait::wait(net::Stream& stream, std::uint64_t sent, Duration stall) {
  rt::Loop& loop = stream.io().loop();
  Instant begun = loop.now();
  Instant stalled = deadline_after(begun, stall);
  std::optional<std::int64_t> last;
  for (;;) {
    const bool endless = stalled == Instant::max();
    const Duration pause = endless ? kLook : std::min<Duration>(kLook, stall / 2);
    const Instant look = endless && least_ == 0 ? stalled : std::min(stalled, begun + pause);
    const rt::Wake wake = co_await stream.io().writable(look);
    waited_ += loop.now() - begun;
    begun = loop.now();
    if (wake != rt::Wake::kTimeout) co_return Status{};
    const std::int64_t taken = taken_of(stream.fd(), sent);
    if (!first_) first_ = taken;
    if (last && taken > *last) stalled = deadline_after(begun, stall);
    last = taken;
    if (begun >= stalled) co_return std::unexpected(Error{ErrorKind::kWriteTimeout, peer_, "the peer takes no bytes"});
    if (is_too_slow(taken))
      co_return std::unexpected(
          Error{ErrorKind::kWriteTimeout, peer_, "the reply is taken slower than min_reply_rate"});
  }
}

}  // namespace rpx::http
