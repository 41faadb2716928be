// When certificates are obtained and renewed: decisions of values, time and chance included. Pure; any thread.
#pragma once

#include "pki/acme_json.h"
#include "proxy/acme_store.h"

namespace rpx::proxy {

/// What is there of a certificate.
struct AcmeHeld {
  bool usable = false;  ///< it can be served for the name it is kept under
  WallTime from{};
  WallTime until{};
};

/// How long nothing is tried after `failures` in a row, 1 or more: a minute, three, nine… six hours at most, and up to
/// a quarter less or more by `chance`, 0 to 1, so that proxies do not come all at once.
Duration back_off(std::uint32_t failures, double chance) noexcept;

/// When a certificate is renewed of which the authority does not say: as the last third of its life begins, or up to a
/// twentieth of it earlier.
WallTime usual_renewal(const AcmeHeld& held, double chance) noexcept;
/// A moment of the authority's window, any with the same chance (RFC 9773 section 4.2).
WallTime renewal_within(const pki::RenewalWindow& window, double chance) noexcept;

enum class AcmeStep : std::uint8_t {
  kNothing,
  kAsk,     ///< the authority, when to renew
  kObtain,  ///< a certificate
};

/// What is to be done now for a name of which the certificate is to be from `directory`.
AcmeStep next_step(const AcmeRecord& record, const AcmeHeld& held, const std::string& directory, WallTime now) noexcept;
/// When that will be another thing; not in the past.
WallTime next_moment(const AcmeRecord& record, const AcmeHeld& held, const std::string& directory,
                     WallTime now) noexcept;

}  // namespace rpx::proxy
