// Reading RFC 3339 times, as files and calls have them; units.h writes them. Pure, any thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/units.h"

namespace rpx {

/// "2026-01-02T03:04:05Z", "2026-01-02 03:04:05.678+02:00" (RFC 3339 section 5.6), or a day alone, which is its
/// beginning in UTC. Years 1970–2105; a leap second counts as the one after it; nothing for anything else.
std::optional<WallTime> parse_rfc3339(std::string_view text) noexcept;

}  // namespace rpx
