// A change of one server of a running proxy, and the wait for what it still has to do. Used by the verbs that take
// servers out and bring them back, on the main thread.
#pragma once

#include <string>
#include <vector>

#include "cli/spec.h"
#include "servers.h"

namespace rpx::check {

/// What the control API calls the servers of an upstream: "/v1/upstreams/app/servers".
std::string servers_target(const std::string& upstream);
/// What the control API calls `row`: "/v1/upstreams/app/servers/http:%2F%2F…".
std::string server_target(const ServerRow& row);

/// Has the proxy change `row` as `body` (JSON) says. 0, or the exit status of what was refused, which has been told.
/// Errors: the client's; kUsage and kInternal for what the proxy answers.
Result<int> change_server(const control::Client& proxy, const ServerRow& row, const std::string& body);

/// Returns once `servers` have no exchange in progress. Errors: the client's; kResponseTimeout after `patience`.
Status wait_for_idle(const control::Client& proxy, const std::vector<ServerRow>& servers, Duration patience,
                     const cli::Common& common);

}  // namespace rpx::check
