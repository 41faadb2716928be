// How long a server's replies typically take, as all workers see it together: a mean of logarithms, which one slow
// reply among many moves little. One word, so that nobody waits for anybody. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/units.h"

namespace rpx::balance {

class TypicalLatency {
 public:
  /// Replies that make it known, and for how long it is without more.
  static constexpr std::uint32_t kFewest = 20;
  static constexpr std::uint32_t kMemory = 10;  // seconds

  /// A reply took so long. Two workers that tell at the very same time may lose one of the two.
  void learn(Duration took, Instant now) noexcept {
    const Word before = unpack(word_.load(std::memory_order_relaxed));
    const float sample = std::log2(std::max(1e-6F, std::chrono::duration<float>(took).count()));
    const std::uint16_t second = second_of(now);
    const bool known = before.count != 0 && !is_old(before, second);
    Word after{sample, 1, second};
    if (known) {
      const auto part = static_cast<float>(std::min<std::uint32_t>(before.count + 1, 16));
      after.mean = before.mean + (sample - before.mean) / part;
      after.count = static_cast<std::uint16_t>(std::min<std::uint32_t>(before.count + 1, kFewest));
    }
    word_.store(pack(after), std::memory_order_relaxed);
  }
  /// Seconds; nothing where too few replies came of late.
  std::optional<float> typical(Instant now) const noexcept {
    const Word word = unpack(word_.load(std::memory_order_relaxed));
    if (word.count < kFewest || is_old(word, second_of(now))) return std::nullopt;
    return std::exp2(word.mean);
  }
  void forget() noexcept { word_.store(0, std::memory_order_relaxed); }

 private:
  struct Word {
    float mean;  // of the binary logarithms of seconds
    std::uint16_t count;
    std::uint16_t second;  // of the last reply
  };
  static std::uint64_t pack(Word word) noexcept {
    return std::uint64_t{word.count} << 48 | std::uint64_t{word.second} << 32 | std::bit_cast<std::uint32_t>(word.mean);
  }
  static Word unpack(std::uint64_t bits) noexcept {
    return {std::bit_cast<float>(static_cast<std::uint32_t>(bits)), static_cast<std::uint16_t>(bits >> 48),
            static_cast<std::uint16_t>(bits >> 32)};
  }
  static std::uint16_t second_of(Instant at) noexcept {
    return static_cast<std::uint16_t>(std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
  }
  static bool is_old(const Word& word, std::uint16_t second) noexcept {
    // Modulo 18 hours; the clocks of two workers may be a little apart.
    const auto passed = static_cast<std::int16_t>(static_cast<std::uint16_t>(second - word.second));
    return passed < 0 ? passed < -1 : static_cast<std::uint32_t>(passed) > kMemory;
  }
  std::atomic<std::uint64_t> word_{0};
};

}  // namespace rpx::balance
