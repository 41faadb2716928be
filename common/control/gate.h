// Who may ask what over TCP: anybody what changes nothing, and whoever shows the token of [admin] everything. Pure; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/message.h"

namespace rpx::control {

/// What keeps a call with this `method` and this value of Authorization out, if anything does: 401, or 403 where no
/// token is configured.
std::optional<Reply> refuse_over_tcp(std::string_view method, std::string_view authorization, const std::string& token);

/// The page that shows a person how the proxy does; it asks /v1/status and /v1/upstreams.
Reply dashboard();

}  // namespace rpx::control
