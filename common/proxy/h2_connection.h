// A client's connection on which HTTP/2 is spoken: each of its streams walks the way of any request. On the worker's
// thread.
#pragma once

#include "proxy/connection.h"

namespace rpx::proxy {

/// Whether the client speaks HTTP/2: by what TLS has agreed on, or by its first bytes where the listener takes h2c.
/// Errors: kHeaderTimeout and kClosed, when it says too little to tell.
rt::Task<Result<bool>> speaks_h2(ClientConnection& connection, Instant deadline);

/// Serves the connection until it ends. True when the client may still send, and should read why it ended.
rt::Task<bool> serve_h2(ClientConnection& connection);

/// What the listener agrees to by ALPN, in the form of the wire (RFC 7301 section 3.1), in its order.
std::string alpn_of(const ListenOptions& listener);

}  // namespace rpx::proxy
