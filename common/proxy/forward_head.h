// What of a request goes to a server: its fields (hop 9 of the walk), and the value that the choice of the server goes
// by. Beside forward.cc, the only caller. On the worker's thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/connection.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// One request's dealings with the upstream side.
struct Ask {
  ClientConnection& connection;
  Busy& busy;
  const Route& route;
  const Upstream& upstream;
  upstream::Pool& pool;
  std::string_view path;
  std::string_view query;
};

/// What the choice of a server goes by; 0 where the policy does not hash, or there is nothing to hash.
std::uint64_t balance_key(const Ask& ask);
/// Fields of the request as `server` gets them, in busy.out; `shared`: over a connection of HTTP/2.
void build_head(const Ask& ask, upstream::Server& server, bool shared);

}  // namespace rpx::proxy
