// What a server has shown to make of coded request bodies: it said so in Accept-Encoding (RFC 7694 section 3), took
// one, or answered 415. Forgotten after a while, since servers change. Any thread.
#pragma once

#include <array>
#include <atomic>

#include "base/units.h"
#include "http/coding.h"

namespace rpx::upstream {

class CodingMemory {
 public:
  enum class Answer : std::uint8_t { kUnknown, kTakes, kRefuses };

  Answer of(http::Coding coding, Instant now) const noexcept;
  void learn(http::Coding coding, bool takes, Instant now) noexcept;
  /// It has taken a body in this coding.
  void prove(http::Coding coding, Instant now) noexcept;
  bool proven(http::Coding coding) const noexcept;
  /// It has once been said to take some coding: of() may say so still.
  bool knows_any() const noexcept { return knows_any_.load(std::memory_order_relaxed); }

 private:
  // When it is forgotten, in the clock's ticks; below zero what is refused.
  std::array<std::atomic<Instant::rep>, 4> until_{};
  std::array<std::atomic<bool>, 4> proven_{};
  std::atomic<bool> knows_any_{false};
};

}  // namespace rpx::upstream
