// A client's connection to a listener with mode = "tcp": a server is chosen and connected to, then bytes go both ways
// until both sides have ended. Called by serve_connection; on the worker's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proxy/connection.h"
#include "proxy/trail.h"
#include "proxy/tunnel.h"
#include "upstream/pool.h"

namespace rpx::proxy {

/// What is known of such a connection, for its log line and for whoever asks meanwhile.
struct Passage {
  std::shared_ptr<upstream::Pool> pool;  ///< outlives the lease
  upstream::Place place;                 ///< at the server, where it has max_connections
  upstream::Lease lease;
  std::shared_ptr<upstream::Server> server;  ///< the last one asked
  std::string upstream;                      ///< its name
  std::string name;                          ///< that the client asked for in its ClientHello
  bool passed = false;                       ///< by that name, past a listener that reads others
  Instant begun{};
  TunnelBytes moved;
  std::uint32_t tries = 0;
  Duration queued{};
  Duration connect{-1};
  std::optional<Error> failure;
  Phase phase = Phase::kReading;
};

/// Serves a connection that was admitted; returns when it is over. `passed`: its listener reads others, and passes this
/// one on by its name.
rt::Task<void> serve_tcp(ClientConnection& connection, bool passed);

/// Whether a client of a TLS listener asks for a name that the listener passes on unread. Its ClientHello is only
/// looked at. Errors: kClosed, kReset, kHeaderTimeout, kDraining (kClient).
rt::Task<Result<bool>> is_passed(ClientConnection& connection);

/// The upstream that `names` have for clients that ask for `name`: the name itself before the longest "*.suffix"
/// before "*". Empty when there is none.
std::string_view upstream_for(const policy::NameValues& names, std::string_view name) noexcept;

/// The PROXY header that opens a connection to a server on behalf of `client`, who came over `connection`.
std::string preface_for(ClientConnection& connection, const IpAddress& client, std::uint32_t version);

}  // namespace rpx::proxy
