// Drills: clients as a server should survive them, against one's own. Each holds many connections that misbehave in one
// way, while one well-behaved client asks now and then whether it is still served. Main thread; blocks until the drill
// is over.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "target.h"
#include "tls/client_context.h"

namespace rpx::bench {

enum class DrillKind : std::uint8_t { kSlowloris, kSlowBody, kSlowRead, kIdle, kReset, kRapidReset };

struct DrillOptions {
  DrillKind kind = DrillKind::kSlowloris;
  int connections = 200;
  Duration duration = std::chrono::seconds(10);
  Duration timeout = std::chrono::seconds(5);               ///< of the well-behaved client's requests
  std::shared_ptr<const tls::ClientContext> tls = nullptr;  ///< for https
};

/// What came of a drill.
struct DrillResult {
  std::uint64_t opened = 0;   ///< connections that were made
  std::uint64_t refused = 0;  ///< that could not be made
  std::uint64_t cut = 0;      ///< that the server ended
  std::uint64_t held = 0;     ///< that were open at the end
  std::uint64_t sent = 0;     ///< requests begun, where the drill sends whole ones
  std::uint64_t asked = 0;    ///< by the well-behaved client
  std::uint64_t served = 0;   ///< of these
  Duration slowest{};         ///< of the served ones
};

/// Runs it against `target`. Errors: those of upstream::dial when not even one connection can be made.
Result<DrillResult> run_drill(const Target& target, const std::vector<Address>& addresses, const DrillOptions& options);

}  // namespace rpx::bench
