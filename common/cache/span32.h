// A span of time in 32 bits: milliseconds up to 24 days, seconds beyond, the longest that RFC 9111 section 1.2.2 knows
// at most. Plain value; any thread.
#pragma once

#include <cstdint>

#include "cache/directives.h"

namespace rpx::cache {

class Span32 {
 public:
  Span32() noexcept = default;
  /// Below zero is zero. What is finer than it can say is rounded down, or `up`.
  explicit Span32(Duration span, bool up = false) noexcept {
    using std::chrono::milliseconds;
    using std::chrono::seconds;
    if (span <= Duration::zero()) return;
    const auto ticks = up ? std::chrono::ceil<milliseconds>(span) : std::chrono::floor<milliseconds>(span);
    if (ticks.count() < kSeconds) {
      coded_ = static_cast<std::uint32_t>(ticks.count());
      return;
    }
    const auto whole = up ? std::chrono::ceil<seconds>(span) : std::chrono::floor<seconds>(span);
    // What rounding has brought up to the longest is that, too.
    coded_ = whole >= kLongest ? kMost : kSeconds | static_cast<std::uint32_t>(whole.count() & (kSeconds - 1));
  }
  Duration value() const noexcept {
    if (coded_ == kMost) return kLongest;
    if (coded_ < kSeconds) return std::chrono::milliseconds(coded_);
    return std::chrono::seconds(coded_ & (kSeconds - 1));
  }

 private:
  static constexpr std::uint32_t kSeconds = 1U << 31U;  // set: it counts seconds
  static constexpr std::uint32_t kMost = 0xffffffff;
  std::uint32_t coded_ = 0;
};

}  // namespace rpx::cache
