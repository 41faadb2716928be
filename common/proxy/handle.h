// The walk of one request, from its parsed head to its log line. On the worker's thread.
#pragma once

#include "proxy/connection.h"

namespace rpx::proxy {

/// Answers the request that busy.exchange holds. Always leaves a reply, or a connection that is to be cut.
rt::Task<void> handle(ClientConnection& connection, Busy& busy);

/// Answers a head that could not be accepted; busy.exchange.request() may hold only part of it.
rt::Task<void> refuse(ClientConnection& connection, Busy& busy, Error error);

}  // namespace rpx::proxy
