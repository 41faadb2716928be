// URLs as they are given to rpx-bench: where to connect, and what to ask for there. Main thread, before a run.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "plan.h"
#include "upstream/server.h"

namespace rpx::bench {

/// A URL taken apart.
struct Target {
  upstream::ServerTarget server;
  std::string server_url;  ///< without the path
  std::string target;      ///< path and query, at least "/"
};

/// "http://host[:port][/path][?query]", https, or "unix:/path/of/socket[:/path]". Errors: kUsage.
Result<Target> parse_target_url(std::string_view url);

/// The addresses of each origin of `plan` whose server has a name. Errors: kUnresolved.
Result<std::vector<Address>> addresses_of(const upstream::ServerTarget& server, Duration patience);

/// All of a file, or of standard input for "-". Errors: kUsage.
Result<std::string> read_input(const std::string& path);

/// Replaces `path` by a file that holds `text`: written beside it, synced, renamed. "-" is standard output. Errors:
/// kIo.
Status write_output(const std::string& path, std::string_view text);

}  // namespace rpx::bench
