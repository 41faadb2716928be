#include "pki/served.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/ip.h"
#include "base/result.h"
#include "base/text.h"
#include "net/fd.h"

namespace rpx::pki {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

/// Waits until `fd` is ready for `events`; false when `deadline` comes first.
bool await_ready(int fd, short events, Instant deadline) {
  pollfd one{fd, events, 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    const int ready = poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

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
    const int done = SSL_connect(ssl);
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

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::string_view whole = text;
  const auto bad = [whole] {
    return self_error(ErrorKind::kUsage, fmt::format("\"{}\" is no file and no host[:port]", whole));
  };
  if (text.starts_with("https://")) text.remove_prefix(8);
  text = text.substr(0, text.find('/'));
  Endpoint out;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad();
    out.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else if (IpAddress::parse(text)) {
    out.host = text;
    return out;
  } else {
    out.host = text.substr(0, text.find(':'));
    text.remove_prefix(out.host.size());
  }
  if (out.host.empty() || out.host.find_first_of(" \t@") != std::string::npos) return bad();
  if (text.empty()) return out;
  const auto port = text.front() == ':' ? parse_uint(text.substr(1)) : std::nullopt;
  if (!port || *port == 0 || *port > 65535) return bad();
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

Result<Served> fetch_served(const Endpoint& endpoint, const std::string& name, Duration timeout) {
  const Instant deadline = std::chrono::steady_clock::now() + timeout;
  const auto at = [&](Error error) {
    error.detail = fmt::format("{}:{}: {}", endpoint.host, endpoint.port, error.detail);
    return std::unexpected(std::move(error));
  };
  Result<net::UniqueFd> fd = dial_any(endpoint, deadline);
  if (!fd) return at(std::move(fd).error());
  const tls::SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  // What is served is wanted, good or bad: judging it comes after.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_security_level(context.get(), 0);
  const tls::SslPtr ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), fd->get());
  if (!name.empty() && !IpAddress::parse(name)) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  if (Status done = shake_hands(ssl.get(), fd->get(), deadline); !done) return at(std::move(done).error());
  Served out;
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl.get());
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    X509* one = sk_X509_value(chain, i);
    X509_up_ref(one);
    out.chain.emplace_back(one);
  }
  if (out.chain.empty()) return at(Error{ErrorKind::kTlsProtocol, Side::kUpstream, "no certificate was sent"});
  out.version = SSL_get_version(ssl.get());
  out.cipher = SSL_get_cipher_name(ssl.get());
  SSL_shutdown(ssl.get());
  return out;
}

}  // namespace rpx::pki
