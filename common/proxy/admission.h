// Whether a request may go on to what its route does: maintenance, access rules, rate limits, and who the client is.
// Called by handle, after routing; on the worker's thread.
#pragma once

#include "proxy/connection.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// True when `route` lets the request through, at once or after the wait that a limit with `delay` asks for.
/// Otherwise it has been answered: with the status of the maintenance, 403, 405 or the status of a limit.
rt::Task<bool> admit(ClientConnection& connection, Busy& busy, const Route& route);

/// Adds RateLimit-Policy and RateLimit to busy.out, when a limit counted the request.
void add_limit_fields(Busy& busy);

}  // namespace rpx::proxy
