// A handshake with ourselves, in memory: what a client that asks for a name would be served. Blocks for some hundred
// microseconds; any thread but a loop's.
#pragma once

#include <string>

#include "base/error.h"
#include "tls/server_context.h"

namespace rpx::tls {

/// Shakes hands with `contexts` as a client that asks for `name`, a DNS name or an address, and trusts any authority.
/// What is served must be for that name, and its key must sign. The fingerprint of the certificate. Errors: kConfig,
/// with why a client would turn away.
Result<std::string> shake_hands_with_self(const ServerContexts& contexts, const std::string& name);

}  // namespace rpx::tls
