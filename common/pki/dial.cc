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
thread_local net::Resolver* looks_up = nullptr;

constexpr Duration kLookAgain = std::chrono::milliseconds(10);

Result<net::UniqueFd> connect_to(const sockaddr* address, socklen_t size, Instant deadline) {
  net::UniqueFd fd(socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return upstream_error(ErrorKind::kConnectFailed, errno_text("socket", errno));
  if (connect(fd.get(), address, size) == 0) return fd;
  if (errno == EINPROGRESS && !await_ready(fd.get(), POLLOUT, deadline))
    return upstream_error(ErrorKind::kConnectTimeout, "no answer in time");
  int why = 0;
  socklen_t length = sizeof why;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &why, &length);
  if (why == 0) return fd;
  const ErrorKind kind = why == ECONNREFUSED ? ErrorKind::kConnectRefused : ErrorKind::kConnectFailed;
  return upstream_error(kind, std::strerror(why));
}

}  // namespace

WaitsEndWith::WaitsEndWith(int fd, net::Resolver& names) noexcept
    : before_(std::exchange(ends_waits, fd)), names_before_(std::exchange(looks_up, &names)) {}

WaitsEndWith::~WaitsEndWith() {
  ends_waits = before_;
  looks_up = names_before_;
}

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

namespace {

bool is_ending() noexcept {
  pollfd watched{ends_waits, POLLIN, 0};
  return poll(&watched, 1, 0) > 0;
}

// Waits for a first answer; an end that it is told of comes first.
Result<std::vector<IpAddress>> look_up(net::Resolver& names, const std::string& host, Instant deadline) {
  if (const std::optional<IpAddress> address = IpAddress::parse(host)) return std::vector{*address};
  const std::shared_ptr<net::Name> name = names.watch(host);
  while (!name->answered()) {
    const Instant now = std::chrono::steady_clock::now();
    if (now >= deadline) return upstream_error(ErrorKind::kUnresolved, "no answer of a name server in time");
    await_ready(-1, 0, std::min(deadline, now + kLookAgain));
    if (is_ending()) return upstream_error(ErrorKind::kUnresolved, "the look-up was ended");
  }
  std::string why;
  std::vector<IpAddress> addresses = name->addresses(&why);
  if (addresses.empty()) return upstream_error(ErrorKind::kUnresolved, std::move(why));
  return addresses;
}

Result<net::UniqueFd> dial_known(net::Resolver& names, const Endpoint& endpoint, Instant deadline) {
  RPX_TRY(const std::vector<IpAddress> addresses, look_up(names, endpoint.host, deadline));
  Error last{ErrorKind::kUnresolved, Side::kUpstream, "no address"};
  for (const IpAddress& ip : addresses) {
    sockaddr_storage bytes{};
    Address address;
    address.ip = ip;
    address.port = endpoint.port;
    const socklen_t size = address.to_sockaddr(bytes);
    Result<net::UniqueFd> fd = connect_to(reinterpret_cast<const sockaddr*>(&bytes), size, deadline);
    if (fd) return fd;
    last = std::move(fd).error();
  }
  return std::unexpected(last);
}

}  // namespace

Result<net::UniqueFd> dial_any(const Endpoint& endpoint, Instant deadline) {
  if (looks_up) return dial_known(*looks_up, endpoint, deadline);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  const Addresses addresses(found);
  if (failed != 0) return upstream_error(ErrorKind::kUnresolved, gai_strerror(failed));
  Error last{ErrorKind::kUnresolved, Side::kUpstream, "no address"};
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    Result<net::UniqueFd> fd = connect_to(one->ai_addr, one->ai_addrlen, deadline);
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
