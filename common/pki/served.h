// What a server serves: connects, shakes hands and takes the chain, whatever it is worth. Blocks; for tools.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "tls/openssl.h"

namespace rpx::pki {

struct Endpoint {
  std::string host;  ///< DNS name or address
  std::uint16_t port = 443;
};

/// "host", "host:port", "[v6]:port" or "https://host[:port]". Errors: kUsage.
Result<Endpoint> parse_endpoint(std::string_view text);

struct Served {
  std::vector<tls::X509Ptr> chain;  ///< the leaf first
  std::string version;              ///< "TLSv1.3"
  std::string cipher;
};

/// `name` is asked for by SNI; an address asks for none. Errors: kUnresolved, kConnectRefused, kConnectTimeout,
/// kConnectFailed, kTlsProtocol.
Result<Served> fetch_served(const Endpoint& endpoint, const std::string& name, Duration timeout);

}  // namespace rpx::pki
