// Durations, sizes and rates as users write them, and the clock types the library uses.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rpx {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

/// A time span with no end; timeouts of this length never fire.
inline constexpr Duration kForever = Duration::max();

/// When `span` from `now` is over; never, for kForever and for zero, which means "unlimited" in the configuration.
inline Instant deadline_after(Instant now, Duration span) noexcept {
  return span == kForever || span <= Duration::zero() ? Instant::max() : now + span;
}

/// A count of bytes, 0 meaning "unlimited" where the key says so.
using Size = std::uint64_t;

/// Events per second.
struct Rate {
  double per_second = 0;
  auto operator<=>(const Rate&) const = default;
};

/// "250ms" "30s" "5m" "1h" "7d"; a whole or decimal number and one unit. "0s" and "0" are zero. At most 10 years.
std::optional<Duration> parse_duration(std::string_view text) noexcept;
/// "16KiB" "10MB" "1GiB" "512" "500B". Below 2^63.
std::optional<Size> parse_size(std::string_view text) noexcept;
/// "100/s" "600/m" "3600/h".
std::optional<Rate> parse_rate(std::string_view text) noexcept;
/// Bytes per second: "500B/s" "100KB/s"; "0" is 0.
std::optional<Size> parse_byte_rate(std::string_view text) noexcept;

/// The shortest text that parses back to the same value: "1m", "90s", "250ms".
std::string format_duration(Duration value);
std::string format_size(Size value);
std::string format_rate(Rate value);
std::string format_byte_rate(Size value);
/// RFC 3339 in UTC with milliseconds: 2026-01-02T03:04:05.678Z.
std::string format_rfc3339(WallTime value);

}  // namespace rpx
