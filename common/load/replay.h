// Requests as they were once made: read from a HAR file or an access log, with the times between them. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "load/request.h"

namespace rpx::load {

/// What `text` holds, by time: a HAR file, the JSON lines of rpx-serve's access log, or lines of the common and
/// combined formats; told apart by their beginning. `at` counts from the first. Requests without a body where the log
/// has none; of header fields HAR alone tells. Lines that are no requests are an error, kUsage, "NAME:LINE: …".
Result<std::vector<RequestText>> read_replay(const std::string& text, std::string_view name);

}  // namespace rpx::load
