// Whether a certificate has been revoked, as its authority's responder says (OCSP, RFC 6960). ask_ocsp() blocks: for
// tools and threads of their own; the rest is pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/units.h"
#include "tls/openssl.h"

namespace rpx::pki {

enum class OcspStatus : std::uint8_t { kGood, kRevoked, kUnknown };
std::string_view name_of(OcspStatus status) noexcept;

struct OcspAnswer {
  OcspStatus status = OcspStatus::kUnknown;
  WallTime from{};
  WallTime until{};       ///< the epoch when the responder does not say
  WallTime revoked_at{};  ///< of a revoked one
  std::string reason;     ///< "keyCompromise"; empty when it does not say
  std::string response;   ///< DER, as it came
};

/// The responder that `certificate` names; empty for none.
std::string responder_of(X509* certificate);
/// The question whether `certificate` is good, in DER. Errors: kInternal.
Result<std::string> ocsp_request(X509* certificate, X509* issuer);
/// Takes an answer apart and verifies it: signed by the issuer or by whom it has charged with that, about this
/// certificate, and valid at `now`, five minutes more or less. Errors: kBadResponse, with what is wrong.
Result<OcspAnswer> read_ocsp_response(std::string_view der, X509* certificate, X509* issuer, WallTime now);
/// Asks `url`, http or https. Errors: as above, and those of ask_http().
Result<OcspAnswer> ask_ocsp(const std::string& url, X509* certificate, X509* issuer, Instant deadline);

}  // namespace rpx::pki
