// A server as a line of text, in a `servers_file` and in what is kept over restarts: its URL, then what else there is
// to say. Pure; called by proxy/membership and proxy/run_state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "upstream/options.h"

namespace rpx::upstream {

/// "http://10.0.0.1:80 weight=2 priority=1 max_connections=10 backup". Errors: kConfig.
Result<ServerOptions> parse_server_line(std::string_view line);
std::string server_line(const ServerOptions& server);

/// The servers of a file: one a line, "#" and what follows is a remark. Errors: kConfig with the number of the line.
Result<std::vector<ServerOptions>> parse_server_lines(std::string_view text);
/// `text` with a line for `server` at its end; or without the lines of the server `url`.
std::string with_server(std::string text, const ServerOptions& server);
std::string without_server(std::string_view text, std::string_view url);

}  // namespace rpx::upstream
