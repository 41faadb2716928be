// Certificates and requests made by ourselves: for development, tests and private networks. RFC 5280. Used by rpx-cert
// and tests; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "tls/openssl.h"

namespace rpx::pki {

using RequestPtr = std::unique_ptr<X509_REQ, tls::Freed<X509_REQ_free>>;

/// What a certificate is to say.
struct Wanted {
  std::vector<std::string> names;  ///< DNS names, "*.example.com" among them, and addresses
  std::string common_name;         ///< of the subject; empty = the first of `names`
  WallTime from{};
  Duration life = std::chrono::hours(24 * 90);
  bool authority = false;    ///< it may sign others, and names no host
  bool client = false;       ///< for clients that show it, not for servers
  std::string responder;     ///< URL where its authority says whether it is revoked (OCSP); empty = none
  bool must_staple = false;  ///< servers must send what that says along (RFC 7633)
};

/// Who signs: a certificate and its key, both borrowed.
struct Issuer {
  X509* certificate;
  EVP_PKEY* key;
};

/// Whether `name` may be a SAN: a DNS name of letters, digits, '-' and '.', perhaps behind "*.", or an address.
bool is_san(std::string_view name) noexcept;

/// A certificate for `key`, signed by `issuer`, or by itself when that is null. Errors: kUsage for a bad name
/// or responder, kInternal.
Result<tls::X509Ptr> make_certificate(EVP_PKEY* key, const Wanted& wanted, const Issuer* issuer);
/// A request to a certificate authority (RFC 2986). Errors as above.
Result<RequestPtr> make_request(EVP_PKEY* key, const Wanted& wanted);

std::string pem_of(X509* certificate);
std::string pem_of(X509_REQ* request);

}  // namespace rpx::pki
