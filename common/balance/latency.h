// How long a server's replies take, as all workers see it together: a moving average that jumps up with a slow reply
// and comes down over seconds. One word, so that nobody waits for anybody. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/units.h"

namespace rpx::balance {

/// After so many seconds two thirds of what was learned are forgotten.
inline constexpr double kLatencyMemory = 10;

class Latency {
 public:
  /// A reply took so long. Two workers that tell at the very same time may lose one of the two.
  void learn(Duration took, Instant now) noexcept {
    const std::uint64_t before = word_.load(std::memory_order_relaxed);
    const float sample = std::max(1e-6F, std::chrono::duration<float>(took).count());
    float average = std::bit_cast<float>(static_cast<std::uint32_t>(before));
    if (sample >= average)
      average = sample;
    else
      average = sample + (average - sample) * std::exp(-age_of(before, now) / static_cast<float>(kLatencyMemory));
    const std::uint64_t stamp = static_cast<std::uint32_t>(milliseconds(now));
    word_.store(stamp << 32 | std::bit_cast<std::uint32_t>(average), std::memory_order_relaxed);
  }
  /// Seconds; 0 when nothing was learned yet.
  float average() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(word_.load(std::memory_order_relaxed)));
  }
  /// Seconds since the last reply.
  float age(Instant now) const noexcept { return age_of(word_.load(std::memory_order_relaxed), now); }

 private:
  static std::int64_t milliseconds(Instant at) noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  }
  static float age_of(std::uint64_t word, Instant now) noexcept {
    // Modulo 49 days; the clocks of two workers may be a little apart.
    const auto passed = static_cast<std::int32_t>(static_cast<std::uint32_t>(milliseconds(now)) -
                                                  static_cast<std::uint32_t>(word >> 32));
    return passed < 0 ? 0 : static_cast<float>(passed) / 1000;
  }
  std::atomic<std::uint64_t> word_{0};  // milliseconds of the last reply, then the average as a float
};

}  // namespace rpx::balance
