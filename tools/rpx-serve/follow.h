// What the verbs that watch have in common: events of a running proxy, a line each, for as long as it is wanted and
// through restarts of the proxy. Main thread.
#pragma once

#include <Poco/JSON/Object.h>

#include <functional>
#include <string>
#include <string_view>

#include "cli/spec.h"
#include "control/follow.h"

namespace rpx::serve {

struct Watching {
  std::string_view tool;
  std::string kinds;  ///< as ?kinds= takes them
  /// Called once when connected, again when the proxy is back, and every second where `every_second` is set.
  std::function<Status()> look = {};
  /// Whether an event is shown; all are without it.
  std::function<bool(const Poco::JSON::Object&)> wanted = {};
  /// An event as a line for people, without its end; NDJSON is as it came.
  std::function<std::string(const Poco::JSON::Object&)> line = {};
  bool every_second = false;
  bool quiet_events = false;  ///< they only lead to another look
};

/// Follows until the process is told to end, or --timeout is over: 0 then. Errors: as control::Client.
Result<int> watch(const cli::Common& common, const Watching& what);

/// "03:04:05" of the `time` of an event, as it came otherwise.
std::string clock_of(const Poco::JSON::Object& event);

}  // namespace rpx::serve
