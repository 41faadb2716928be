// SRV records (RFC 2782) out of a DNS message. Pure; called by the resolver with what a DNS server sent.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/units.h"

namespace rpx::net {

/// A server of a service.
struct SrvRecord {
  std::string host;  ///< without a dot at its end, in lower case
  std::uint16_t port = 0;
  std::uint16_t priority = 0;  ///< the lowest is to be used first
  std::uint16_t weight = 0;
  auto operator<=>(const SrvRecord&) const = default;
};

struct SrvAnswer {
  std::vector<SrvRecord> records;  ///< sorted; empty when the service is decidedly not there
  Duration ttl{};                  ///< the shortest of the records
};

/// Reads the answer section of `message`. Errors: kBadResponse for a message that is cut short or malformed.
Result<SrvAnswer> parse_srv(std::span<const std::uint8_t> message);

}  // namespace rpx::net
