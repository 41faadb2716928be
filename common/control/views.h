// The JSON forms of what a proxy tells about itself; field names are those of the views and of the configuration.
// Used by the handlers of the control API and the ready line. Pure but for resident_bytes; any thread.
#pragma once

#include "control/host.h"
#include "control/json.h"

namespace rpx::control {

/// Each writes one object.
void write_listener(Json& json, const proxy::ListenerView& listener);
void write_route(Json& json, const proxy::RouteOptions& route);
void write_server(Json& json, const proxy::ServerView& server);
void write_upstream(Json& json, const proxy::UpstreamView& upstream);
void write_history(Json& json, const proxy::HistoryView& history);
void write_connection(Json& json, const proxy::ConnectionView& connection);
/// `now` gives uptime, `memory_bytes` the resident set.
void write_status(Json& json, const Identity& identity, const proxy::StatusView& status, WallTime now,
                  std::uint64_t memory_bytes);

/// What this process keeps in memory, in bytes; 0 when /proc cannot be read.
std::uint64_t resident_bytes();

}  // namespace rpx::control
