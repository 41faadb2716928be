// A pipe between two plain sockets, for bytes that the kernel moves without passing them through our memory:
// splice(2). Used by splice.cc for bodies and by tunnel.cc. On the worker's thread.
#pragma once

#include "base/error.h"
#include "net/fd.h"
#include "net/stream.h"

namespace rpx::proxy {

struct Pipe {
  net::UniqueFd read;
  net::UniqueFd write;
  std::size_t held = 0;  ///< bytes in it
};

/// A pipe of this thread's spare ones; goes back only when it is empty, so that no byte of one connection ends up in
/// another. False where none can be had.
class BorrowedPipe {
 public:
  BorrowedPipe();
  ~BorrowedPipe();
  BorrowedPipe(const BorrowedPipe&) = delete;
  BorrowedPipe& operator=(const BorrowedPipe&) = delete;
  explicit operator bool() const noexcept { return static_cast<bool>(pipe_.read); }
  Pipe& operator*() noexcept { return pipe_; }

 private:
  Pipe pipe_;
};

/// Moves at most `most` bytes from a socket into the pipe; 0 when it would block, or at the end, which `end` tells.
/// Errors, on `side`: as for a read.
Result<std::size_t> fill_pipe(Pipe& pipe, net::Stream& from, std::uint64_t most, bool& end, Side side);
/// Moves what the pipe holds to a socket, as far as it goes; 0 when it would block. Errors, on `side`: as for a write.
Result<std::size_t> empty_pipe(Pipe& pipe, net::Stream& to, Side side);

}  // namespace rpx::proxy
