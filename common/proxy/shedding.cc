#include "proxy/shedding.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/log.h"
#include "proxy/connection.h"

namespace rpx::proxy {
namespace {

// So many are always let be, however few connections there may be in all.
constexpr double kLeastHeads = 16;
// A client whose connection is new has so long before it makes way for another.
constexpr Duration kFair = std::chrono::seconds(1);

}  // namespace

Shedding::Shedding(rt::Loop& loop, WorkerCounters& counts, ConnectionLimits& limits)
    : loop_(loop),
      counts_(counts),
      limits_(limits),
      bell_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      bell_io_(loop, bell_.get()) {}

void Shedding::configure(const http::Limits& limits, std::uint32_t most) noexcept {
  most_heads_ = static_cast<std::uint64_t>(std::max(kLeastHeads, limits.half_open * most));
  overload_ = limits.overload;
}

void Shedding::cut(ClientConnection& connection) noexcept {
  is_served(connection);
  counts_.shed.add();
  // Its task ends at its next look at the socket.
  shutdown(connection.stream().io().fd(), SHUT_RDWR);
}

void Shedding::awaits_head(ClientConnection& connection) noexcept {
  if (connection.listener->is_unix || connection.waits.list == &heads_) return;
  heads_.add(connection);
  if (limits_.enter_half_open() <= most_heads_) return;
  ClientConnection* oldest = heads_.oldest();
  if (oldest != &connection) cut(*oldest);
}

void Shedding::is_idle(ClientConnection& connection) noexcept {
  if (connection.listener->is_unix) return;
  is_served(connection);
  idle_.add(connection);
}

void Shedding::is_served(ClientConnection& connection) noexcept {
  if (connection.waits.list == &heads_) limits_.leave_half_open();
  WaitingList::leave(connection);
}

std::size_t Shedding::make_room(std::size_t count) noexcept {
  std::size_t made = 0;
  while (made < count && idle_.oldest()) {
    cut(*idle_.oldest());
    ++made;
  }
  while (made < count && heads_.oldest() && loop_.now() - heads_.oldest()->waits.since >= kFair) {
    cut(*heads_.oldest());
    ++made;
  }
  return made;
}

rt::Task<void> Shedding::measure() {
  const std::uint64_t one = 1;
  std::uint64_t rung = 0;
  if (read(bell_.get(), &rung, sizeof rung) < 0) rung = 0;
  bell_io_.cleared_read();
  const Instant begun = std::chrono::steady_clock::now();
  if (write(bell_.get(), &one, sizeof one) != sizeof one) co_return;
  const rt::Wake wake = co_await bell_io_.readable(Instant::max());
  if (wake != rt::Wake::kReady) co_return;
  const Duration lag = std::chrono::steady_clock::now() - begun;
  lag_.store(lag.count(), std::memory_order_relaxed);
  const bool before = overloaded_;
  const bool late = overload_ > Duration::zero() && lag >= (before ? overload_ / 2 : overload_);
  late_ = late ? late_ + 1 : 0;
  // Once may be a machine that stood still.
  overloaded_ = before ? late : late_ > 1;
  if (overloaded_ == before) co_return;
  if (overloaded_)
    log_event(LogLevel::kWarning, "overload: new connections are answered with 503",
              {{"lag", format_duration(lag)}, {"limit", format_duration(overload_)}});
  else
    log_event(LogLevel::kNotice, "the overload is over");
}

}  // namespace rpx::proxy
