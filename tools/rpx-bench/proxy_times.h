// What a proxy under load says of itself, from its metrics: the time from a request's head to the end of its reply, and
// how much of that its servers let it wait. Asked before and after a run, main thread.
#pragma once

#include <string>

#include "base/error.h"

namespace rpx::bench {

struct ProxyTimes {
  double seconds = 0;  ///< spent in requests since it started
  double requests = 0;
  double server_seconds = 0;  ///< of them, between the request sent to a server and the head of its reply
};

/// Asks at the control socket `path`. Errors: the client's; kBadResponse where it tells no times.
Result<ProxyTimes> ask_proxy(const std::string& path);

}  // namespace rpx::bench
