#include "pki/https.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "base/ip.h"
#include "base/result.h"
#include "base/text.h"
#include "pki/dial.h"
#include "tls/openssl.h"

namespace rpx::pki {
namespace {

constexpr std::size_t kMostReply = 4 * 1024 * 1024;

std::unexpected<Error> bad_reply(std::string_view why) {
  return upstream_error(ErrorKind::kBadResponse, fmt::format("no reply that makes sense: {}", why));
}

Result<tls::SslContextPtr> context_for(const std::string& ca) {
  tls::SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_default_verify_paths(context.get());
  tls::take_openssl_error();
  if (!ca.empty() && SSL_CTX_load_verify_file(context.get(), ca.c_str()) != 1)
    return self_error(ErrorKind::kConfig, fmt::format("{}: {}", ca, tls::take_openssl_error()));
  return context;
}

void expect_name(SSL* ssl, const std::string& host) {
  if (IpAddress::parse(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    return;
  }
  SSL_set_tlsext_host_name(ssl, host.c_str());
  SSL_set1_host(ssl, host.c_str());
}

// Repeats `step` while OpenSSL wants to wait; 0 at the end of the connection.
template <class Step>
Result<std::size_t> moved(SSL* ssl, int fd, Instant deadline, Step step) {
  for (;;) {
    std::size_t bytes = 0;
    const int done = step(&bytes);
    if (done == 1) return bytes;
    const int why = SSL_get_error(ssl, done);
    if (why == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
      return upstream_error(ErrorKind::kClosed, "the connection was cut: " + tls::take_openssl_error());
    if (!await_ready(fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
      return upstream_error(ErrorKind::kResponseTimeout, "no reply in time");
  }
}

bool says_its_length(std::string_view reply) {
  const std::string head = lower(reply.substr(0, reply.find("\r\n\r\n")));
  return reply.find("\r\n\r\n") != std::string_view::npos && (head.find("\r\ncontent-length:") != std::string::npos ||
                                                              head.find("\r\ntransfer-encoding:") != std::string::npos);
}

Result<std::string> exchange(SSL* ssl, int fd, const std::string& request, Instant deadline) {
  for (std::size_t sent = 0; sent < request.size();) {
    RPX_TRY(const std::size_t bytes, moved(ssl, fd, deadline, [&](std::size_t* written) {
              return SSL_write_ex(ssl, request.data() + sent, request.size() - sent, written);
            }));
    sent += bytes;
  }
  std::string out;
  std::array<char, 16384> piece{};
  for (;;) {
    const Result<std::size_t> bytes =
        moved(ssl, fd, deadline, [&](std::size_t* got) { return SSL_read_ex(ssl, piece.data(), piece.size(), got); });
    // Many servers close without saying so in TLS; a reply that says how long it is needs no more.
    if (!bytes && bytes.error().kind == ErrorKind::kClosed && says_its_length(out)) return out;
    if (!bytes) return std::unexpected(bytes.error());
    if (*bytes == 0) return out;
    out.append(piece.data(), *bytes);
    if (out.size() > kMostReply) return bad_reply("it is too long");
  }
}

Result<std::string> dechunked(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t end = text.find("\r\n");
    if (end == std::string_view::npos) return bad_reply("a chunk is cut short");
    const std::string digits(text.substr(0, std::min(end, text.find(';'))));
    char* stop = nullptr;
    const unsigned long size = std::strtoul(digits.c_str(), &stop, 16);
    if (digits.empty() || *stop != '\0' || size > kMostReply) return bad_reply("a chunk has no size");
    text.remove_prefix(end + 2);
    if (size == 0) return out;
    if (text.size() < size + 2) return bad_reply("a chunk is cut short");
    out += text.substr(0, size);
    text.remove_prefix(size + 2);
  }
}

std::string text_of(const WebRequest& request, const Endpoint& endpoint, std::uint16_t usual_port) {
  const std::size_t slash = request.url.find('/', request.url.find("://") + 3);
  std::string host = endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
  if (endpoint.port != usual_port) host += fmt::format(":{}", endpoint.port);
  std::string out =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: rpx/{}\r\nConnection: close\r\n", request.method,
                  slash == std::string::npos ? "/" : request.url.substr(slash), host, RPX_VERSION);
  if (!request.accept.empty()) out += fmt::format("Accept: {}\r\n", request.accept);
  if (!request.content_type.empty())
    out += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", request.content_type, request.body.size());
  return out + "\r\n" + request.body;
}

}  // namespace

Result<WebReply> parse_web_reply(std::string_view bytes, bool has_body) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (!bytes.starts_with("HTTP/1.") || end == std::string_view::npos) return bad_reply("it has no head");
  WebReply out;
  bool first = true;
  for (std::string_view line : split(bytes.substr(0, end), '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (std::exchange(first, false)) {
      const auto status = line.size() < 12 ? std::nullopt : parse_uint(line.substr(9, 3));
      if (!status) return bad_reply("it has no status");
      out.status = static_cast<int>(*status);
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return bad_reply("a line of its head has no colon");
    out.fields[lower(line.substr(0, colon))] = std::string(trim(line.substr(colon + 1)));
  }
  if (!has_body) return out;
  const std::string_view body = bytes.substr(end + 4);
  if (lower(out.field("transfer-encoding")) == "chunked") {
    RPX_TRY(out.body, dechunked(body));
    return out;
  }
  const auto length = parse_uint(out.field("content-length"));
  if (length && *length > body.size()) return bad_reply("its body is cut short");
  out.body = body.substr(0, length.value_or(body.size()));
  return out;
}

Result<WebReply> ask_https(const WebRequest& request, const std::string& ca, Instant deadline) {
  if (!request.url.starts_with("https://"))
    return self_error(ErrorKind::kUsage, fmt::format("\"{}\" is no https:// URL", request.url));
  RPX_TRY(const Endpoint endpoint, parse_endpoint(request.url));
  RPX_TRY(const tls::SslContextPtr context, context_for(ca));
  RPX_TRY(const net::UniqueFd fd, dial_any(endpoint, deadline));
  const tls::SslPtr ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), fd.get());
  SSL_set_connect_state(ssl.get());
  expect_name(ssl.get(), endpoint.host);
  if (Status shaken = shake_hands(ssl.get(), fd.get(), deadline); !shaken) {
    const long why = SSL_get_verify_result(ssl.get());
    if (why == X509_V_OK) return std::unexpected(std::move(shaken).error());
    return upstream_error(ErrorKind::kTlsCertificate,
                          fmt::format("its certificate is refused: {}", X509_verify_cert_error_string(why)));
  }
  RPX_TRY(const std::string reply, exchange(ssl.get(), fd.get(), text_of(request, endpoint, 443), deadline));
  return parse_web_reply(reply, request.method != "HEAD");
}

Result<WebReply> ask_http(const WebRequest& request, Instant deadline) {
  constexpr std::string_view kScheme = "http://";
  if (!request.url.starts_with(kScheme))
    return self_error(ErrorKind::kUsage, fmt::format("\"{}\" is no http:// URL", request.url));
  const std::string_view rest = std::string_view(request.url).substr(kScheme.size());
  const std::string_view authority = rest.substr(0, rest.find('/'));
  RPX_TRY(Endpoint endpoint, parse_endpoint(authority));
  const std::size_t end = authority.find(']');
  if (authority.find(':', end == std::string_view::npos ? 0 : end) == std::string_view::npos) endpoint.port = 80;
  RPX_TRY(const net::UniqueFd fd, dial_any(endpoint, deadline));
  std::string_view left;
  const std::string text = text_of(request, endpoint, 80);
  for (left = text; !left.empty();) {
    if (!await_ready(fd.get(), POLLOUT, deadline))
      return upstream_error(ErrorKind::kResponseTimeout, "no reply in time");
    const ssize_t put = send(fd.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (put < 0) return upstream_error(ErrorKind::kClosed, "the connection was cut");
    left.remove_prefix(static_cast<std::size_t>(put));
  }
  std::string reply;
  std::array<char, 16384> piece{};
  for (;;) {
    if (!await_ready(fd.get(), POLLIN, deadline))
      return upstream_error(ErrorKind::kResponseTimeout, "no reply in time");
    const ssize_t got = recv(fd.get(), piece.data(), piece.size(), 0);
    if (got < 0) return upstream_error(ErrorKind::kClosed, "the connection was cut");
    if (got == 0) return parse_web_reply(reply, request.method != "HEAD");
    reply.append(piece.data(), static_cast<std::size_t>(got));
    if (reply.size() > kMostReply) return bad_reply("it is too long");
  }
}

}  // namespace rpx::pki
