// What an operator changes of one server while the proxy runs, adds or takes away. The control API makes it, Server
// takes it. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/units.h"
#include "upstream/options.h"
#include "upstream/server_state.h"

namespace rpx::proxy {

struct ServerChange {
  std::string upstream;
  std::string server;  ///< its url
  std::optional<upstream::Admin> state;
  std::optional<std::uint32_t> weight;  ///< 1–65535
  std::optional<Duration> lasting;      ///< drain and maint end by themselves after this long
  bool force = false;                   ///< even when no other server is left to take requests
};

/// A server that is to be used from now on.
struct ServerAddition {
  std::string upstream;
  upstream::ServerOptions server;
  bool persist = false;  ///< in the upstream's servers_file too
};

/// One that is to be used no more; what it has in progress goes on.
struct ServerRemoval {
  std::string upstream;
  std::string server;    ///< its url
  bool force = false;    ///< even when no other server is left to take requests
  bool persist = false;  ///< from the upstream's servers_file
};

}  // namespace rpx::proxy
