// What a certificate says, as plain values. Used by rpx-cert and its tests; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "tls/openssl.h"

namespace rpx::pki {

struct CertificateFacts {
  std::string subject;  ///< as RFC 2253 has it, "CN=a.example"
  std::string issuer;
  std::string serial;              ///< hexadecimal, lower case
  std::vector<std::string> names;  ///< DNS names and addresses of its SANs
  WallTime from{};
  WallTime until{};
  std::string key;           ///< "EC P-256"
  std::string signature;     ///< "ecdsa-with-SHA256"
  std::string fingerprint;   ///< SHA-256, 64 hexadecimal digits
  bool authority = false;    ///< it may sign others
  bool self_issued = false;  ///< subject and issuer are the same
};

CertificateFacts facts_of(X509* certificate);
/// The moment that `time` tells; the epoch when there is none. What lies before 1770 or after 2260, such as the end of
/// 9999 that means never (RFC 5280 4.1.2.5), is taken for these: nanoseconds reach little further.
WallTime time_of(const ASN1_TIME* time) noexcept;
/// Whole days left at `now`, less than 0 once it has expired.
std::int64_t days_left(const CertificateFacts& facts, WallTime now) noexcept;

}  // namespace rpx::pki
