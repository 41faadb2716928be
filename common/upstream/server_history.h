// What has become of one server, for those who ask why: its last changes of state and the last checks, each with its
// time. Written by workers, the health thread and control threads at changes, never for a request that goes well.
// Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "base/units.h"

namespace rpx::upstream {

/// A change of state.
struct ServerMoment {
  WallTime at;
  /// "healthy", "unhealthy", "unreachable", "reachable", "ejected", "returned", "open", "closed", "ready", "drain",
  /// "maint", "weight"
  std::string state;
  std::string why;
};

/// One active check.
struct ServerCheck {
  WallTime at;
  bool good = false;
  std::string why;
  std::string first_bytes;   ///< what the server said first; empty when it said nothing
  std::string address;       ///< the one that was connected to
  std::uint16_t status = 0;  ///< of the reply; 0 when there was none
  Duration connect{};
  Duration first_byte{};
  Duration total{};
};

class ServerHistory {
 public:
  static constexpr std::size_t kMostMoments = 64;
  static constexpr std::size_t kMostChecks = 16;

  void note(ServerMoment moment);
  void note(ServerCheck check);
  /// The oldest first.
  std::vector<ServerMoment> moments() const;
  std::vector<ServerCheck> checks() const;
  /// Takes over what is known of the same server under other options.
  void inherit(const ServerHistory& before);

 private:
  mutable std::mutex mutex_;
  std::deque<ServerMoment> moments_;
  std::deque<ServerCheck> checks_;
};

}  // namespace rpx::upstream
