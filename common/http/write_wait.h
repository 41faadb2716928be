// Waiting for a peer to take bytes. A socket says that it can be written to once a good part of its buffer is free,
// which may be megabytes: the kernel is asked how much the peer has really taken, so that one that is slow is told from
// one that takes nothing, and one that takes as little as keeps it connected from both. One thread.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/units.h"
#include "net/stream.h"
#include "rt/task.h"

namespace rpx::http {

class WriteWait {
 public:
  explicit WriteWait(Side peer) noexcept : peer_(peer) {}
  /// From now on the peer has to take `least` bytes a second, averaged over the time spent waiting for it, after 5 s;
  /// 0 = any number.
  void demand(Size least) noexcept { least_ = least; }
  /// A message begins: what was before is no measure of it.
  void begin() noexcept {
    waited_ = {};
    first_.reset();
  }
  /// Suspends until `stream` may be written to; `sent` bytes of the message have been given to the kernel. Errors:
  /// kWriteTimeout, when the peer takes no byte for `stall`, or too few.
  rt::Task<Status> wait(net::Stream& stream, std::uint64_t sent, Duration stall);

 private:
  bool is_too_slow(std::int64_t taken) const noexcept;

  Side peer_;
  Size least_ = 0;
  Duration waited_{};
  std::optional<std::int64_t> first_;  ///< bytes it had taken at the first look
};

}  // namespace rpx::http
