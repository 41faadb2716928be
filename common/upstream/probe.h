// One active check of one server, over a connection of its own: what the health thread does every interval and
// rpx-check does by hand. On the loop it is given.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "rt/loop.h"
#include "rt/task.h"
#include "upstream/dial.h"
#include "upstream/health_options.h"

namespace rpx::upstream {

class Server;

struct ProbeResult {
  bool good = false;
  std::string why;           ///< in words, one line: "status 503", "connection refused"
  std::string first_bytes;   ///< what the server said first, made printable; empty when it said nothing
  std::string address;       ///< the one that was connected to
  std::uint16_t status = 0;  ///< of the reply; 0 when there was none
  Duration connect{};        ///< until connected
  Duration first_byte{};     ///< from then until the head of the reply
  Duration total{};
};

/// Where a probe goes.
struct ProbeTarget {
  std::vector<Address> addresses;  ///< tried in this order
  std::string authority;           ///< Host, unless the check's headers have one
  Security security = {};          ///< how TLS is spoken, to https servers
};

/// Where a probe of `server` goes; `tls` is for checks of TLS, where its URL has none. `error` gets why its name does
/// not resolve.
ProbeTarget target_of(const Server& server, const std::shared_ptr<const tls::ClientContext>& tls, std::string& error);

/// Never takes longer than options.timeout.
rt::Task<ProbeResult> probe(rt::Loop& loop, ProbeTarget target, HealthOptions options);

/// "GET /healthz", "tcp", "tls", "grpc app.Service": the check in a word, for logs.
std::string describe(const HealthOptions& options);

}  // namespace rpx::upstream
