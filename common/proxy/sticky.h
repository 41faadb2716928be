// Sessions that stay with one server: a cookie of ours names it, in words that only we can make and read; or a table
// says which server has which session, by a cookie of the servers' or the client's address. forward.cc asks where a
// request belongs, respond.cc tells the client, or remembers. On the worker's thread, but for build().
#pragma once

#include <string>
#include <vector>

#include "proxy/forward_head.h"

namespace rpx::proxy {

/// Compiles the `sticky` of an upstream for its `servers`; what was learned in `before` (may be null) of the same kind
/// of session stays. Errors: kConfig for a key file that cannot be used.
Result<Sticky> build_sticky(const upstream::StickyOptions& options, const std::string& upstream,
                            const std::vector<std::shared_ptr<upstream::Server>>& servers,
                            const Sticky* before = nullptr);

/// The server that the request's session is with, while that takes requests of sessions (draining servers do); null
/// when there is none.
upstream::Server* bound_server(const Ask& ask);

/// A cookie field without the cookie `name`, in `arena` where something had to change.
std::string_view without_cookie(std::string_view field, std::string_view name, Arena& arena);

/// Binds the session to the server that has answered: in busy.out, or in the table, whose cookie is looked for there.
/// Not where it is bound to it already, or the reply goes into the cache, where it is for everybody.
void bind_session(ClientConnection& connection, Busy& busy);

}  // namespace rpx::proxy
