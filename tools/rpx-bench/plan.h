// Plan: everything a run needs to know, worked out from the command line before it starts. Immutable while it runs (but
// for the turn of the feed); shared by all threads.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.h"
#include "load/arrivals.h"
#include "load/check.h"
#include "load/feed.h"
#include "load/request.h"
#include "tls/client_context.h"

namespace rpx::bench {

/// Where connections go.
struct Origin {
  std::string url;  ///< without the path
  std::vector<Address> addresses;
  std::shared_ptr<const tls::ClientContext> tls;  ///< null for plain ones
  std::string name;                               ///< for SNI and the certificate
  std::string authority;
};

struct Plan {
  std::vector<Origin> origins;
  std::vector<std::string> targets;  ///< "GET http://…" as shown
  std::vector<load::Request> requests;
  load::Feed feed;
  load::Checks checks;
  int connections = 50;
  int threads = 1;
  int at_once = 1;  ///< requests in progress on a connection: pipelined, or HTTP/2 streams
  double rate = 0;  ///< 0: closed loop
  load::ArrivalKind arrivals = load::ArrivalKind::kConstant;
  Duration duration = std::chrono::seconds(10);  ///< kForever with a number of requests alone
  std::uint64_t total = 0;                       ///< requests; 0 = until time is up
  Duration warmup{};
  Duration timeout = std::chrono::seconds(10);  ///< of a request
  Duration slot = std::chrono::seconds(1);
  std::uint64_t seed = 1;
  bool keep_alive = true;
  bool resume = true;
  bool cookies = false;
  bool http2 = false;
  bool awake = false;  ///< threads never sleep

  std::vector<Duration> times;  ///< of a replay: when each of `requests` is due

  bool replays() const noexcept { return !times.empty(); }
  bool open_loop() const noexcept { return rate > 0 || replays(); }
  const char* protocol() const noexcept {
    if (!http2) return "http/1.1";
    const auto over_tls = std::ranges::count_if(origins, [](const Origin& one) { return one.tls != nullptr; });
    if (over_tls == 0) return "h2c";
    return static_cast<std::size_t>(over_tls) == origins.size() ? "h2" : "h2, h2c";
  }
};

}  // namespace rpx::bench
