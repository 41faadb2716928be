// What operators have changed of servers while the proxy ran, as text that outlives it: servers that were added and
// removed, drained, in maintenance, or given another weight. Pure; the server reads it at start and writes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "upstream/options.h"
#include "upstream/server_state.h"

namespace rpx::proxy {

struct AddedServer {
  std::string upstream;
  upstream::ServerOptions server;
};

struct RemovedServer {
  std::string upstream;
  std::string url;
  auto operator<=>(const RemovedServer&) const = default;
};

struct KeptAdmin {
  std::string upstream;
  std::string url;
  upstream::Admin admin = upstream::Admin::kReady;
  std::optional<WallTime> until;  ///< absent = it does not end by itself
};

struct KeptWeight {
  std::string upstream;
  std::string url;
  std::uint32_t weight = 1;
  std::uint32_t configured = 1;  ///< the one it took the place of: under another one it is void
};

struct RunState {
  std::vector<AddedServer> added;
  std::vector<RemovedServer> removed;
  std::vector<KeptAdmin> admins;
  std::vector<KeptWeight> weights;
  bool empty() const noexcept { return added.empty() && removed.empty() && admins.empty() && weights.empty(); }
};

/// A line for each; what has blanks in its name or URL is left out.
std::string format_run_state(const RunState& state);
/// The other way round. What cannot be read is left out, and told in `problems`, one line each.
RunState parse_run_state(std::string_view text, std::vector<std::string>& problems);

}  // namespace rpx::proxy
