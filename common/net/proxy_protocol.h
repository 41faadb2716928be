// The PROXY protocol, versions 1 and 2, as a receiver (haproxy.org, proxy-protocol.txt). Pure.
#pragma once

#include <optional>
#include <span>

#include "base/error.h"
#include "base/ip.h"

namespace rpx::net {

struct ProxyHeader {
  std::size_t consumed = 0;       ///< bytes of the header; 0 = not complete yet
  std::optional<Address> source;  ///< absent for LOCAL, UNKNOWN and UNSPEC: keep the peer's own address
  std::optional<Address> destination;
};

/// The longest header taken: v1 107 bytes, v2 16 + 4096 with its TLVs.
inline constexpr std::size_t kMaxProxyHeader = 16 + 4096;

/// Parses a PROXY header at the start of `bytes`. Errors: kBadRequest, Side::kClient, as early as the first wrong byte.
Result<ProxyHeader> parse_proxy_header(std::span<const char> bytes);

}  // namespace rpx::net
