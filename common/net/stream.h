// Stream: bytes in, bytes out, never blocking. One of the two interfaces the product is made of: a socket, a
// TLS session over one. Try first; wait on io() only when the try would block. One reader and one writer at a
// time, on one thread.
#pragma once

#include <sys/uio.h>

#include <span>
#include <string_view>

#include "base/error.h"
#include "net/fd.h"
#include "rt/pollable.h"
#include "rt/task.h"

namespace rpx::net {

enum class IoState : std::uint8_t { kDone, kWouldBlock, kEnd, kError };

struct IoResult {
  IoState state = IoState::kDone;
  int error = 0;          ///< errno with kError
  std::size_t bytes = 0;  ///< moved, with kDone; at least 1 for a non-empty buffer
};

class Stream {
 public:
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Reads what is there, at most into.size().
  virtual IoResult try_read(std::span<char> into) = 0;
  /// Writes as much of the pieces, in order, as goes at once; at most 16 pieces.
  virtual IoResult try_write(std::span<const iovec> pieces) = 0;
  /// No more will be written; the peer reads an end. Reading goes on.
  virtual void shutdown_write() noexcept = 0;
  /// Whether a kernel-side relay (splice) between two such streams moves the same bytes.
  virtual bool is_plain() const noexcept = 0;
  /// Makes the close that follows a reset instead of an orderly end, so that a peer who cannot be told
  /// otherwise sees that its message was cut short.
  virtual void reset_on_close() noexcept;

  rt::Pollable& io() noexcept { return io_; }
  int fd() const noexcept { return io_.fd(); }

 protected:
  explicit Stream(rt::Loop& loop, int fd) noexcept : io_(loop, fd) {}
  rt::Pollable io_;
};

/// A connected socket.
class SocketStream final : public Stream {
 public:
  SocketStream(rt::Loop& loop, UniqueFd fd) noexcept : Stream(loop, fd.get()), fd_(std::move(fd)) {}
  ~SocketStream() override;

  IoResult try_read(std::span<char> into) override;
  IoResult try_write(std::span<const iovec> pieces) override;
  void shutdown_write() noexcept override;
  bool is_plain() const noexcept override { return true; }
  /// Gives the socket away, to whoever goes on with it.
  UniqueFd release() noexcept {
    io_.unwatch();
    return std::move(fd_);
  }

 private:
  UniqueFd fd_;
};

/// The Error for a read or write that failed with `code`, blamed on `side`.
Error io_error(int code, Side side, std::string_view what);

/// Writes all of `text`. Errors: kWriteTimeout, kReset, kClosed.
rt::Task<Status> write_all(Stream& stream, std::string_view text, Side side, Instant deadline);

}  // namespace rpx::net
