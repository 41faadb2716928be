// What a proxy under load says of itself: the time from a request's head to the end of its reply, from its metrics.
// Asked before and after a run, main thread.
#pragma once

#include <string>

#include "base/error.h"

namespace rpx::bench {

struct ProxyTimes {
  double seconds = 0;  ///< spent in requests since it started
  double requests = 0;
};

/// Asks at the control socket `path`. Errors: the client's; kBadResponse where it tells no times.
Result<ProxyTimes> ask_proxy(const std::string& path);

}  // namespace rpx::bench
