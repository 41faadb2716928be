// The first message of a TLS client, read without decrypting anything: which name it asks for. Pure; called by
// proxy/tcp_connection on bytes that were only looked at.
#pragma once

#include <span>
#include <string>

#include "base/error.h"

namespace rpx::net {

struct ClientHello {
  bool complete = false;    ///< false: more bytes are needed to tell
  bool tls = false;         ///< the bytes are those of a TLS client
  std::string server_name;  ///< in lower case; empty when it asks for none
};

/// The most bytes a ClientHello may take, record headers included.
inline constexpr std::size_t kMaxClientHello = 32 * 1024;

/// Reads a ClientHello (RFC 8446 section 4.1.2) at the start of `bytes`, over as many records as it takes. Bytes that
/// no TLS client begins with are complete without being tls. Errors: kBadRequest, Side::kClient, for what begins as a
/// ClientHello and is none.
Result<ClientHello> parse_client_hello(std::span<const char> bytes);

}  // namespace rpx::net
