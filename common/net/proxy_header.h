// The PROXY protocol, versions 1 and 2, as a sender (haproxy.org, proxy-protocol.txt). Pure; called before a
// connection to a server is used for anything else. Its other half is net/proxy_protocol.h.
#pragma once

#include <optional>
#include <string>

#include "base/ip.h"

namespace rpx::net {

/// A header of `version` 1 or 2 for a TCP connection from `source` to `destination`. Without a source, or with a Unix
/// socket for one, it says that nobody is known: UNKNOWN, or LOCAL. An IPv4 address beside one of IPv6 is mapped.
std::string make_proxy_header(std::uint32_t version, const std::optional<Address>& source, const Address& destination);

}  // namespace rpx::net
