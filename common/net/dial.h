// Connections to where we ask: TCP or Unix sockets, non-blocking, with a deadline.
#pragma once

#include <memory>

#include "base/ip.h"
#include "net/stream.h"

namespace rpx::net {

/// Connects to `to` (copied). Errors, Side::kUpstream: kConnectRefused, kConnectTimeout, kConnectFailed.
rt::Task<Result<std::unique_ptr<SocketStream>>> dial(rt::Loop& loop, Address to, Instant deadline);

}  // namespace rpx::net
