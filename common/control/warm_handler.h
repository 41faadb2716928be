// The call that fetches URLs through the proxy, so that its caches have them. On the control threads.
#pragma once

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

Reply answer_cache_warm(Host& host, const Request& request);

}  // namespace rpx::control
