// TLS at the start of a client's connection: the handshake with its deadline, and what is said to clients that
// speak something else. On the worker's thread.
#pragma once

#include "proxy/connection.h"

namespace rpx::proxy {

/// Makes connection.stream() a TLS stream. False when the connection is over: the client did not shake hands.
rt::Task<bool> secure(ClientConnection& connection);

}  // namespace rpx::proxy
