// Whether clients will like a chain of certificates: dates, names, order, trust, strength. Pure but for the reading of
// trust roots; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "tls/openssl.h"

namespace rpx::pki {

/// What a chain is held against.
struct Expected {
  std::string name;   ///< host it must be for; empty = any
  std::string ca;     ///< PEM bundle to trust; empty = the system's
  bool trust = true;  ///< whether it must lead to a trusted root at all
  WallTime now{};
  Duration ahead = std::chrono::hours(24 * 30);  ///< what expires within is a finding
};

/// What is wrong with `chain` (the leaf first, not empty), in words; nothing when all is well. Errors: kConfig when the
/// trusted certificates cannot be read.
Result<std::vector<std::string>> findings_of(const std::vector<tls::X509Ptr>& chain, const Expected& expected);

}  // namespace rpx::pki
