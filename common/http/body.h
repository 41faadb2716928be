// Bodies as streams of pieces, whatever the wire: the source they come from, the sink they go to. Neither
// buffers a whole body. Try first; wait only when nothing moves. One thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/units.h"
#include "http/headers.h"
#include "rt/loop.h"
#include "rt/task.h"

namespace rpx::http {

/// A part of a body.
struct BodyPiece {
  std::string_view data;  ///< borrowed until the next try_read() or co_await, whichever comes first
  bool end = false;       ///< nothing comes after `data`
  bool blocked = false;   ///< nothing there yet: wait()
};

class BodySource {
 public:
  virtual ~BodySource() = default;
  /// What is there now, at most about `most` bytes. Errors by side: kClosed, kReset, kResponseTruncated,
  /// kBadRequest, kBadResponse, kBodyTooLarge.
  virtual Result<BodyPiece> try_read(std::size_t most) = 0;
  /// Suspends until a try may give something, at most for `stall`. Errors: kBodyTimeout, kBodyTooSlow, kIdleTimeout,
  /// kCancelled when interrupted.
  virtual rt::Task<Status> wait(Duration stall) = 0;
  /// Trailer fields, once the end has been read; null when there are none.
  virtual const Headers* trailers() const noexcept = 0;
  virtual bool ended() const noexcept = 0;
  /// The loop it is read on.
  virtual rt::Loop& loop() noexcept = 0;
  /// Payload bytes handed out so far.
  virtual std::uint64_t received() const noexcept = 0;
};

class BodySink {
 public:
  virtual ~BodySink() = default;
  /// Takes all of `data` (what cannot go out at once is kept); `end` completes the message, with `trailers` if given.
  /// True when nothing is left pending. Errors: kReset, kClosed.
  virtual Result<bool> try_write(std::string_view data, bool end, const Headers* trailers = nullptr) = 0;
  /// Sends what is pending, such as a head that waits for its first piece. True when nothing is left.
  virtual Result<bool> try_flush() = 0;
  /// Suspends until nothing is pending; a peer that takes no byte for `stall` is an error (kWriteTimeout).
  virtual rt::Task<Status> drain(Duration stall) = 0;
  /// Bytes given to the kernel so far, heads and framing included.
  virtual std::uint64_t sent() const noexcept = 0;
  /// How much it had better be given at once, since what cannot go out is held in a copy.
  virtual std::size_t room() const noexcept { return static_cast<std::size_t>(-1); }
};

/// How patient a relay is with each end.
struct RelayTimeouts {
  Duration source_stall;
  Duration sink_stall;
};

/// Moves everything from `source` to `sink`, flushing before it waits, so that an event stream is never held
/// back. `trailers` says whether they may be passed on.
rt::Task<Status> relay(BodySource& source, BodySink& sink, RelayTimeouts timeouts, bool trailers);

}  // namespace rpx::http
