#include "control/connect.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/text.h"

namespace rpx::control {

namespace {

std::unexpected<Error> unreachable(const std::string& path, int code) {
  const std::string hint = code == EACCES || code == EPERM ? "ask as the user it runs as" : "is rpx-serve running?";
  std::string why = errno_text("", code).substr(2);
  if (!why.empty()) why.front() = to_lower(why.front());
  return self_error(ErrorKind::kConnectRefused, fmt::format("cannot reach the proxy at {}: {}; {}", path, why, hint));
}

}  // namespace

Result<int> connect_to(const std::string& path, Duration timeout) {
  sockaddr_un address{};
  if (path.size() >= sizeof(address.sun_path)) return unreachable(path, ENAMETOOLONG);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return unreachable(path, errno);
  // A Unix connect waits only for room in the backlog, and SO_SNDTIMEO bounds that.
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(timeout).count();
  const timeval limit{.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  const int code = errno;
  ::close(fd);
  if (code != EAGAIN) return unreachable(path, code);
  return self_error(ErrorKind::kConnectTimeout, fmt::format("the proxy at {} does not accept; time ran out", path));
}

}  // namespace rpx::control
