// After a switch of protocols (RFC 9110 section 7.8): bytes both ways until both sides have ended, or nothing
// has moved for a while. On the worker's thread.
#pragma once

#include <string_view>

#include "base/units.h"
#include "net/stream.h"
#include "rt/task.h"

namespace rpx::proxy {

struct TunnelBytes {
  std::uint64_t from_client = 0;
  std::uint64_t to_client = 0;
};

/// When something last moved, either way.
struct Pulse {
  Instant last;
};

/// Runs both directions until both have ended, or one has failed.
rt::Task<Status> both_ways(rt::Loop& loop, rt::Task<Status> from_client, rt::Task<Status> to_client);

/// `client_ahead` and `server_ahead` are bytes of the new protocol that came with the heads; borrowed until the end.
/// `moved` is kept up to date. Ends without error: kIdleTimeout, kReset and the like come back as values.
rt::Task<Status> tunnel(net::Stream& client, net::Stream& server, std::string_view client_ahead,
                        std::string_view server_ahead, Duration idle, TunnelBytes& moved);

}  // namespace rpx::proxy
