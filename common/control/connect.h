// A connection to a control socket, for those who ask there. Blocking; any thread.
#pragma once

#include <string>

#include "base/error.h"
#include "base/units.h"

namespace rpx::control {

/// A connected descriptor, the caller's to close. Connected here rather than by Poco, whose exceptions do not tell a
/// refused socket from a missing one. Errors: kConnectRefused when nobody answers at `path`, kConnectTimeout; the
/// detail names the path and what to do.
Result<int> connect_to(const std::string& path, Duration timeout);

}  // namespace rpx::control
