// The opening of a TLS connection as a task with a deadline, either role. On the loop's thread.
#pragma once

#include "rt/task.h"
#include "tls/stream.h"

namespace rpx::tls {

/// Shakes hands. Errors, of the peer's side: kTlsCertificate (the server's was refused), kTlsProtocol, kClosed (it went
/// away), kHeaderTimeout from a client and kConnectTimeout from a server that are late.
rt::Task<Status> handshake(TlsStream& stream, Instant deadline);

}  // namespace rpx::tls
