// What an edit of the blocklist must not do by accident: lock out this machine, proxies that are trusted, or servers.
// Asked by the blocklist calls; pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "policy/blocklist_line.h"
#include "proxy/options.h"

namespace rpx::control {

/// What of ours one of `items` would lock out, be it in part, as a text; empty when there is none. Servers count as far
/// as they are named by address.
std::string lockout(const proxy::SiteOptions& options, const std::vector<policy::BlockItem>& items);

}  // namespace rpx::control
