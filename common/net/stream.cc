#include "net/stream.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace rpx::net {
namespace {

// recv() and send() are points of cancellation: in a program with threads the C library calls two more functions around
// each of them. No thread of ours is ever cancelled, and four such calls a request add up.
ssize_t receive(int fd, void* into, std::size_t size) noexcept {
  return syscall(SYS_recvfrom, fd, into, size, 0, nullptr, nullptr);
}
ssize_t transmit(int fd, const void* from, std::size_t size) noexcept {
  return syscall(SYS_sendto, fd, from, size, MSG_NOSIGNAL, nullptr, 0);
}

}  // namespace

// The loop must forget the descriptor before it is closed and its number used again; io_ lives in the base
// class and would go last.
SocketStream::~SocketStream() { io_.unwatch(); }

IoResult SocketStream::try_read(std::span<char> into) {
  const ssize_t got = receive(fd(), into.data(), into.size());
  if (got > 0) {
    // Less than asked for means that the socket is empty, which saves the read that would say so.
    if (static_cast<std::size_t>(got) < into.size()) io_.cleared_read();
    return {IoState::kDone, 0, static_cast<std::size_t>(got)};
  }
  if (got == 0) return {IoState::kEnd, 0, 0};
  if (errno == EAGAIN || errno == EINTR) {
    io_.cleared_read();
    return {IoState::kWouldBlock, 0, 0};
  }
  return {IoState::kError, errno, 0};
}

IoResult SocketStream::try_write(std::span<const iovec> pieces) {
  ssize_t sent = 0;
  if (pieces.size() == 1) {
    sent = transmit(fd(), pieces[0].iov_base, pieces[0].iov_len);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());
    message.msg_iovlen = pieces.size();
    sent = sendmsg(fd(), &message, MSG_NOSIGNAL);
  }
  if (sent >= 0) return {IoState::kDone, 0, static_cast<std::size_t>(sent)};
  if (errno == EAGAIN || errno == EINTR) {
    io_.cleared_write();
    return {IoState::kWouldBlock, 0, 0};
  }
  return {IoState::kError, errno, 0};
}

void SocketStream::shutdown_write() noexcept { shutdown(fd(), SHUT_WR); }

void Stream::reset_on_close() noexcept {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

Error io_error(int code, Side side, std::string_view what) {
  const bool gone = code == ECONNRESET || code == EPIPE || code == ECONNABORTED || code == ENOTCONN;
  return {gone ? ErrorKind::kReset : ErrorKind::kIo, side, errno_text(what, code)};
}

rt::Task<Status> write_all(Stream& stream, std::string_view text, Side side, Instant deadline) {
  while (!text.empty()) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    const IoResult wrote = stream.try_write({&piece, 1});
    if (wrote.state == IoState::kDone) {
      text.remove_prefix(wrote.bytes);
    } else if (wrote.state == IoState::kWouldBlock) {
      const rt::Wake wake = co_await stream.io().writable(deadline);
      if (wake == rt::Wake::kTimeout)
        co_return std::unexpected(Error{ErrorKind::kWriteTimeout, side, "the peer takes no bytes"});
    } else {
      co_return std::unexpected(io_error(wrote.error, side, "send"));
    }
  }
  co_return Status{};
}

}  // namespace rpx::net
