// Connected streams for unit tests, peers at their other ends, and a count of open descriptors. On the test's
// own thread.
#pragma once

#include <dirent.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "net/stream.h"
#include "rt/loop.h"

namespace rpx::test {

/// Two ends of one connection.
struct StreamPair {
  std::unique_ptr<net::SocketStream> near;
  std::unique_ptr<net::SocketStream> far;
};

/// A pair of descriptors; `buffer` bounds what each end holds unread, 0 leaves it to the kernel.
inline std::pair<net::UniqueFd, net::UniqueFd> socket_pair(int buffer = 0) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::runtime_error("socketpair");
  for (const int end : ends)
    if (buffer) setsockopt(end, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  return {net::UniqueFd(ends[0]), net::UniqueFd(ends[1])};
}

inline StreamPair stream_pair(rt::Loop& loop, int buffer = 0) {
  auto [near, far] = socket_pair(buffer);
  return {std::make_unique<net::SocketStream>(loop, std::move(near)),
          std::make_unique<net::SocketStream>(loop, std::move(far))};
}

/// Sends `text` at once, on a socket that has room for it.
inline void send_now(int fd, std::string_view text) {
  if (send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("send");
}

/// What is there now.
inline std::string receive_now(int fd) {
  std::string out;
  char bytes[4096];
  for (ssize_t got = 0; (got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
    out.append(bytes, static_cast<std::size_t>(got));
  return out;
}

/// A peer that sends `text`, `piece` bytes a turn, and then ends its side if `end`.
inline rt::Task<bool> feed(net::SocketStream& stream, std::string text, std::size_t piece, bool end) {
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::string_view part = std::string_view(text).substr(at, piece);
    const Status sent = co_await net::write_all(stream, part, Side::kClient, Instant::max());
    if (!sent) co_return false;
    co_await stream.io().loop().yield();
  }
  if (end) stream.shutdown_write();
  co_return true;
}

/// A peer that reads until the other side ends, at most `piece` bytes a turn.
inline rt::Task<bool> drink(net::SocketStream& stream, std::string& into, std::size_t piece) {
  std::string bytes(piece, '\0');
  for (;;) {
    const net::IoResult got = stream.try_read(bytes);
    if (got.state == net::IoState::kDone) {
      into.append(bytes, 0, got.bytes);
      co_await stream.io().loop().yield();
    } else if (got.state == net::IoState::kWouldBlock) {
      co_await stream.io().readable(Instant::max());
    } else {
      co_return got.state == net::IoState::kEnd;
    }
  }
}

/// How many descriptors this process has open.
inline int open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  if (!folder) throw std::runtime_error("/proc/self/fd");
  int count = 0;
  while (readdir(folder)) ++count;
  closedir(folder);
  return count;
}

}  // namespace rpx::test
