// Whether a request may go on to what its route does: maintenance, access rules, rate limits, and who the client is.
// Called by handle, after routing; on the worker's thread.
#pragma once

#include <optional>

#include "proxy/connection.h"
#include "proxy/respond.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// True when `route` lets the request through, at once or after the wait that a limit with `delay` asks for.
/// Otherwise it has been answered: with the status of the maintenance, 403, 405 or the status of a limit.
rt::Task<bool> admit(ClientConnection& connection, Busy& busy, const Route& route);

/// What `access` has against the request, if anything: 403, or 405.
std::optional<Refusal> refusal_of(ClientConnection& connection, Busy& busy, const policy::Access& access);

/// What the fault of `route` does to the request, before it goes on: it waits, or is answered or cut, and then this is
/// false. What happens to its reply is in the trail.
rt::Task<bool> suffer(ClientConnection& connection, Busy& busy, const Route& route);

/// Adds RateLimit-Policy and RateLimit to busy.out, when a limit counted the request.
void add_limit_fields(Busy& busy);

}  // namespace rpx::proxy
