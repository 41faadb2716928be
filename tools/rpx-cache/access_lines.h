// Lines of access logs, as warm and simulate read them: our own JSON, and the common and combined formats. Main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace rpx::cache_tool {

/// One request of a log.
struct LoggedRequest {
  std::string method;
  std::string host;    ///< empty in formats without one
  std::string target;  ///< "/path?query"
  std::uint16_t status = 0;
  std::uint64_t bytes = 0;  ///< of the reply
};

/// What a line says; nothing where it is of no format we know.
std::optional<LoggedRequest> read_logged(std::string_view line);

/// Calls `take` for each line of `file` ("-" is stdin), without its end. Errors: kIo.
Status each_line(const std::string& file, const std::function<Status(std::string_view)>& take);

}  // namespace rpx::cache_tool
