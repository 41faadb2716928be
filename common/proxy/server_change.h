// What an operator changes of one server while the proxy runs. The control API makes it, Server::change_server takes
// it. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/units.h"
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

}  // namespace rpx::proxy
