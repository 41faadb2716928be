// LogBudget: so many lines a second about what anybody can cause, so that a scanner does not fill a log. One worker's;
// on its thread.
#pragma once

#include <cstdint>
#include <utility>

#include "base/units.h"

namespace rpx::proxy {

class LogBudget {
 public:
  /// Whether a line may be written at `now`.
  bool take(Instant now) noexcept {
    if (now - since_ >= std::chrono::seconds(1)) {
      since_ = now;
      left_ = kLines;
    }
    if (left_ == 0) {
      ++kept_back_;
      return false;
    }
    --left_;
    return true;
  }
  /// Lines that were not written since the last call.
  std::uint64_t take_kept_back() noexcept { return std::exchange(kept_back_, 0); }

 private:
  static constexpr std::uint32_t kLines = 5;
  Instant since_{};
  std::uint32_t left_ = kLines;
  std::uint64_t kept_back_ = 0;
};

}  // namespace rpx::proxy
