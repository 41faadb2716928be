// Clients that prove who they are by a signed token: jwt of [access.NAME]. Called by authenticate. On the worker's
// thread.
#pragma once

#include "proxy/connection.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// True when the request has a token that is good: its user is in the trail, and its claims are in the request's
/// fields. Otherwise the request has been answered: 401 or 403 as RFC 6750 has them, or 503 where there are no keys.
/// Waits for newer keys where the token was signed with one that is not known.
rt::Task<bool> check_token(ClientConnection& connection, Busy& busy, const Route& route);

}  // namespace rpx::proxy
