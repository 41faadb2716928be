// What an authority of our own says of certificates that it has revoked: lists of them (RFC 5280 section 5), and
// answers of a responder (RFC 6960). For tests and private networks; pure.
#pragma once

#include <span>
#include <string>

#include "pki/issue.h"
#include "pki/ocsp.h"

namespace rpx::pki {

struct Revoked {
  X509* certificate;  ///< borrowed
  WallTime at{};
};

/// A list of what `issuer` has revoked, in PEM, good from `from` for `life`. Errors: kInternal.
Result<std::string> make_crl(const Issuer& issuer, std::span<const Revoked> revoked, WallTime from, Duration life);

/// What a responder of `issuer` says of `certificate`, in DER; `revoked_at` counts with kRevoked. Errors: kInternal.
Result<std::string> make_ocsp_response(const Issuer& issuer, X509* certificate, OcspStatus status, WallTime from,
                                       Duration life, WallTime revoked_at = {});

}  // namespace rpx::pki
