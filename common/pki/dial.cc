#include "pki/dial.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/result.h"

namespace rpx::pki {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

thread_local int ends_waits = -1;

Result<net::UniqueFd> connect_to(const addrinfo& address, Instant deadline) {
  net::UniqueFd fd(socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return upstream_error(ErrorKind::kConnectFailed, errno_text("socket", errno));
  if (connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return fd;
  if (errno == EINPROGRESS && !await_ready(fd.get(), POLLOUT, deadline))
    return upstream_error(ErrorKind::kConnectTimeout, "no answer in time");
  int why = 0;
  socklen_t size = sizeof why;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &why, &size);
  if (why == 0) return fd;
  const ErrorKind kind = why == ECONNREFUSED ? ErrorKind::kConnectRefused : ErrorKind::kConnectFailed;
  return upstream_error(kind, std::strerror(why));
}

}  // namespace

WaitsEndWith::WaitsEndWith(int fd) noexcept : before_(std::exchange(ends_waits, fd)) {}

WaitsEndWith::~WaitsEndWith() { ends_waits = before_; }

bool await_ready(int fd, short events, Instant deadline) {
  // One below 0 is left out.
  std::array<pollfd, 2> watched{pollfd{fd, events, 0}, pollfd{ends_waits, POLLIN, 0}};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    const int ready = poll(watched.data(), watched.size(), static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return watched[1].revents == 0;
    if (ready < 0 && errno != EINTR) return false;
  }
}

Result<net::UniqueFd> dial_any(const Endpoint& endpoint, Instant deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  const Addresses addresses(found);
  if (failed != 0) return upstream_error(ErrorKind::kUnresolved, gai_strerror(failed));
  Error last{ErrorKind::kUnresolved, Side::kUpstream, "no address"};
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    Result<net::UniqueFd> fd = connect_to(*one, deadline);
    if (fd) return fd;
    last = std::move(fd).error();
  }
  return std::unexpected(last);
}

Status shake_hands(SSL* ssl, int fd, Instant deadline) {
  for (;;) {
    const int done = SSL_do_handshake(ssl);
    if (done == 1) return {};
    const int why = SSL_get_error(ssl, done);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
      std::string text = tls::take_openssl_error();
      return upstream_error(ErrorKind::kTlsProtocol, text.empty() ? "the handshake was cut short" : std::move(text));
    }
    if (!await_ready(fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
      return upstream_error(ErrorKind::kConnectTimeout, "the handshake takes too long");
  }
}

}  // namespace rpx::pki
