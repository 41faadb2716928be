// OCSP responses that certificates carry into handshakes (RFC 6066 section 8). A response hangs on the certificate
// itself, so that whoever serves it finds it; whoever fetches responses puts it there. Any thread.
#pragma once

#include <string>

#include "base/units.h"
#include "tls/openssl.h"

namespace rpx::tls {

struct Staple {
  std::string response;  ///< DER; empty = none is served
  WallTime until{};      ///< not served from then on
  std::string state;     ///< "good", "revoked", "unknown"; "failing" when the responder could not be asked
  std::string why;       ///< of what is not good
};

/// Puts `staple` on `certificate` in the place of another.
void set_staple(X509* certificate, Staple staple);
/// What is on it; empty for none.
Staple staple_of(const X509* certificate);
/// Clients of `context` that ask for it are sent what is on the certificate that is served, while it is valid.
void serve_staples(SSL_CTX* context) noexcept;
/// Whether `certificate` says that it must not be served without one (RFC 7633).
bool must_staple(const X509* certificate) noexcept;

}  // namespace rpx::tls
