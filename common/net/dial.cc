#include "net/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace rpx::net {
namespace {

Error connect_error(int code, const Address& to) {
  const std::string text = errno_text("connect to " + to.to_string(), code);
  // ENOENT: a Unix socket that is not there refuses as surely as a closed port.
  if (code == ECONNREFUSED || code == ENOENT || code == ECONNRESET)
    return {ErrorKind::kConnectRefused, Side::kUpstream, text};
  if (code == ETIMEDOUT) return {ErrorKind::kConnectTimeout, Side::kUpstream, text};
  return {ErrorKind::kConnectFailed, Side::kUpstream, text};
}

}  // namespace

rt::Task<Result<std::unique_ptr<SocketStream>>> dial(rt::Loop& loop, Address to, Instant deadline) {
  sockaddr_storage address{};
  const socklen_t length = to.to_sockaddr(address);
  if (length == 0) co_return std::unexpected(connect_error(ENAMETOOLONG, to));
  UniqueFd fd(socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return self_error(ErrorKind::kIo, errno_text("socket", errno));
  if (!to.is_unix()) {
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const int raw = fd.get();
  const int failed = connect(raw, reinterpret_cast<const sockaddr*>(&address), length) == 0 ? 0 : errno;
  auto stream = std::make_unique<SocketStream>(loop, std::move(fd));
  // Nothing can have come yet, so the first wait need not be preceded by a vain read; watching starts with
  // the first wait and then reports whatever is there.
  stream->io().cleared_read();
  if (failed == 0) co_return stream;
  // EAGAIN from a Unix socket means that its backlog is full: as good as refused for now.
  if (failed != EINPROGRESS) co_return std::unexpected(connect_error(failed == EAGAIN ? ECONNREFUSED : failed, to));

  stream->io().cleared_write();
  const rt::Wake wake = co_await stream->io().writable(deadline);
  if (wake == rt::Wake::kTimeout) co_return std::unexpected(connect_error(ETIMEDOUT, to));
  int code = 0;
  socklen_t size = sizeof code;
  getsockopt(raw, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code != 0) co_return std::unexpected(connect_error(code, to));
  co_return stream;
}

}  // namespace rpx::net
