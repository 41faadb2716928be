#include "pki/served.h"

#include <fmt/format.h>

#include "base/ip.h"
#include "base/result.h"
#include "base/text.h"
#include "net/fd.h"
#include "pki/dial.h"

namespace rpx::pki {

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
  SSL_set_connect_state(ssl.get());
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
