// Arrivals: when requests of an open loop are due, whatever became of those before. Pure but for its own place in the
// sequence; one a thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.h"
#include "load/random.h"

namespace rpx::load {

enum class ArrivalKind : std::uint8_t { kConstant, kPoisson };

class Arrivals {
 public:
  /// `per_second` above 0, the first one at `begin` plus `offset` (for threads that share a rate and take turns).
  /// `seed` makes a Poisson sequence what it is.
  Arrivals(ArrivalKind kind, double per_second, Instant begin, Duration offset, std::uint64_t seed) noexcept;

  /// Times that are given, since `begin`, in order; every `step`th from the one numbered `first`, which is how threads
  /// share them. `times` outlive it.
  Arrivals(const std::vector<Duration>& times, std::size_t first, std::size_t step, Instant begin) noexcept;

  /// When the next one is due; Instant::max() when there is none any more.
  Instant next() const noexcept { return next_; }
  /// The next one has been taken care of.
  void pop() noexcept;

 private:
  ArrivalKind kind_ = ArrivalKind::kConstant;
  const std::vector<Duration>* times_ = nullptr;
  std::size_t at_ = 0;
  std::size_t step_ = 1;
  double interval_ns_ = 0;
  Instant begin_;
  std::uint64_t taken_ = 0;
  double at_ns_ = 0;  // of a Poisson sequence, since begin_
  Random random_{0};
  Instant next_;
};

}  // namespace rpx::load
