// Who a client is: passwords, and servers that are asked. Called by admission for routes whose access asks for it. On
// the worker's thread; passwords are hashed elsewhere meanwhile.
#pragma once

#include "proxy/connection.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// True when the client of `route` has proved who it is: its name is in the trail, and the request's fields are what
/// the servers shall see of it. Otherwise the request has been answered: 401, what the server that was asked said, or
/// 503.
rt::Task<bool> authenticate(ClientConnection& connection, Busy& busy, const Route& route);

}  // namespace rpx::proxy
