// IMF-fixdate (RFC 9110 section 5.6.7). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"

namespace rpx::http {
/// "Sun, 06 Nov 1994 08:49:37 GMT", always 29 bytes.
std::string format_http_date(WallTime time);
/// Parses IMF-fixdate and the two obsolete forms.
std::optional<WallTime> parse_http_date(std::string_view text) noexcept;
}  // namespace rpx::http
