// What the proxy tells of the certificates that it obtains by itself. Values only.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "tls/challenges.h"

namespace rpx::proxy {

struct AcmeNameView {
  std::string name;
  std::string state;  ///< "waiting" for its first attempt, "obtaining", "valid", or "failing": the last attempt did
  std::string fingerprint;  ///< of the certificate that is stored; empty = there is none
  WallTime until{};         ///< of that; the epoch stands for none, here and below
  WallTime renew{};         ///< when it is to be renewed
  WallTime tried{};
  WallTime next{};  ///< when something is tried next
  std::uint32_t failures = 0;
  std::string error;  ///< of the last attempt
};

struct AcmeView {
  std::string directory;  ///< empty = the proxy obtains nothing
  std::string challenge;
  std::string store;
  std::vector<AcmeNameView> names;
  std::vector<tls::ChallengeAnswer> challenges;  ///< open now
  std::uint64_t obtained = 0;                    ///< certificates, since the start
  std::uint64_t failed = 0;                      ///< attempts
};

/// Prometheus text; empty where nothing is obtained.
std::string write_acme_metrics(const AcmeView& view);

}  // namespace rpx::proxy
