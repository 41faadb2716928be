// Active checks: each server that has one is probed at its interval, and what the probes prove goes into the state
// of the server, where every worker sees it at once. One thread with a loop of its own, started when there is
// something to check; configured by the proxy's server.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "upstream/health_options.h"
#include "upstream/server.h"

namespace rpx::upstream {

/// Counts probes in a row until they prove something. Pure.
class HealthCount {
 public:
  HealthCount(bool healthy, std::uint32_t rise, std::uint32_t fall) noexcept
      : rise_(rise), fall_(fall), healthy_(healthy) {}
  /// Takes a probe's outcome; true when it changes the state.
  bool note(bool good) noexcept;
  bool healthy() const noexcept { return healthy_; }
  /// Probes have begun to say otherwise: the next one should come soon.
  bool changing() const noexcept { return against_ != 0; }

 private:
  std::uint32_t rise_;
  std::uint32_t fall_;
  std::uint32_t against_ = 0;  // outcomes in a row that contradict the state
  bool healthy_;
};

/// When the next probe begins, counted from the begin of the last: the interval, a fifth of it while the state
/// changes (100 ms at least), and up to a tenth more or less by `random` (0–1).
Duration next_probe(const HealthOptions& options, bool changing, double random) noexcept;

/// A server and how it is checked.
struct CheckedServer {
  std::shared_ptr<Server> server;
  HealthOptions options;
  std::shared_ptr<const tls::ClientContext> tls = {};  ///< for a check of TLS, where the server's URL has none
};

class HealthChecks {
 public:
  HealthChecks();
  /// Ends every probe.
  ~HealthChecks();
  HealthChecks(const HealthChecks&) = delete;
  HealthChecks& operator=(const HealthChecks&) = delete;

  /// Replaces what is checked. Checks that were there before go on as they are; one that two upstreams ask of the same
  /// address is made once. One thread at a time, never the checks' own.
  void configure(std::vector<CheckedServer> wanted);
  /// Probes under configuration now. Any thread; for tests.
  std::size_t count() const noexcept;

 private:
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace rpx::upstream
