// Hops 8 to 10 of the walk: choose a server, send it the request, read the head of its reply; again elsewhere
// where the retry rule allows. On the worker's thread.
#pragma once

#include "proxy/connection.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// Has busy.call hold the head of a final reply (or a 101) over busy.lease, with an upload perhaps still going on.
/// Fills in the trail. Errors: the last try's, or the client's own.
rt::Task<Status> forward(ClientConnection& connection, Busy& busy, const Route& route);

}  // namespace rpx::proxy
