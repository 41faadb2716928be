// Cache groups (RFC 9875): which stored replies belong together, and which groups a change has made out of date. Pure,
// any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/headers.h"

namespace rpx::cache {

/// The strings that all fields called `name` list (Cache-Groups, Cache-Group-Invalidation): RFC 9651 lists of strings.
/// Nothing when one of them is none; of more than 128 the first, as of longer ones than 128 bytes nothing (RFC 9875
/// section 2 asks for 32 of 32 bytes at least).
std::vector<std::string> groups_in(const http::Headers& headers, std::string_view name);

}  // namespace rpx::cache
