// What keeps clients out before their requests reach a route: the blocklist, and the rules that put clients on it. On
// the worker's thread.
#pragma once

#include "proxy/connection.h"
#include "proxy/trail.h"

namespace rpx::proxy {

/// Whether the client that `busy` is for is blocked: the other end of the connection, or whom a trusted proxy
/// speaks for.
bool is_blocked(ClientConnection& connection, const Busy& busy) noexcept;
/// Answers it, or cuts the connection when it is its own.
rt::Task<void> refuse_blocked(ClientConnection& connection, Busy& busy);

/// Counts the reply that `busy` got for the rules that ban clients. At the end of an exchange; only where there are
/// any.
void count_for_bans(ClientConnection& connection, const Busy& busy);
/// Counts a connection that was ended for what its client did as a reply with `status`.
void count_for_bans(ClientConnection& connection, std::uint16_t status);

}  // namespace rpx::proxy
