// Hop 7 of the walk, for routes with a cache: answer from the store, or ask the origin and store what comes. On the
// worker's thread.
#pragma once

#include "proxy/connection.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// Answers the request that busy.exchange holds; `route` has a cache. Errors end in the trail.
rt::Task<void> serve_cached(ClientConnection& connection, Busy& busy, const Route& route);

}  // namespace rpx::proxy
