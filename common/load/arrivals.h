// Arrivals: when requests of an open loop are due, whatever became of those before. Pure but for its own place in the
// sequence; one a thread.
#pragma once

#include <cstdint>

#include "base/units.h"
#include "load/random.h"

namespace rpx::load {

enum class ArrivalKind : std::uint8_t { kConstant, kPoisson };

class Arrivals {
 public:
  /// `per_second` above 0, the first one at `begin` plus `offset` (for threads that share a rate and take turns).
  /// `seed` makes a Poisson sequence what it is.
  Arrivals(ArrivalKind kind, double per_second, Instant begin, Duration offset, std::uint64_t seed) noexcept;

  /// When the next one is due.
  Instant next() const noexcept { return next_; }
  /// The next one has been taken care of.
  void pop() noexcept;

 private:
  ArrivalKind kind_;
  double interval_ns_;
  Instant begin_;
  std::uint64_t taken_ = 0;
  double at_ns_ = 0;  // of a Poisson sequence, since begin_
  Random random_;
  Instant next_;
};

}  // namespace rpx::load
