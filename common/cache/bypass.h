// Which requests a cache has no part in: its bypass rules. Pure, any thread.
#pragma once

#include <vector>

#include "cache/options.h"
#include "http/message.h"

namespace rpx::cache {

/// Whether any of `rules` is about `request`, whose path is canonical: such a request is neither answered from the
/// store, nor is its reply stored.
bool is_bypassed(const std::vector<BypassOptions>& rules, const http::RequestHead& request);

}  // namespace rpx::cache
