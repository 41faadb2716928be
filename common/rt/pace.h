// Pace: how long a loop that is busy lets events gather before it looks for them again. A loop that is faster than
// those it talks to would be woken for each event by itself, and to fall asleep and be woken costs it, and whoever
// wakes it, as much as the event. So where many come and nobody waits for a short time alone, it sleeps a moment by the
// clock instead. One thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/units.h"

namespace rpx::rt {

class Pace {
 public:
  explicit Pace(Instant now) noexcept : since_(now) {}

  /// An exchange whose messages came as events has ended, after `took`. Without such the pause is zero.
  void count_exchange(Duration took) noexcept {
    ++exchanges_;
    // Fast ones weigh most: the mean is the harmonic one.
    frequencies_ += 1.0 / static_cast<double>(std::max(took, kShortest).count());
  }
  /// A round of the loop with `events` has begun at `now`.
  void count_round(int events, Instant now) noexcept {
    events_ += events;
    if (now - since_ >= kWindow) judge(now);
  }
  /// For how long to let events gather: zero, or what gathers some and is at most 1/8 of what exchanges take; at most
  /// 500 microseconds.
  Duration pause() const noexcept { return pause_; }

 private:
  static constexpr Duration kWindow = std::chrono::milliseconds(2);
  static constexpr Duration kShortest = std::chrono::microseconds(1);
  void judge(Instant now) noexcept;

  Instant since_;  // what is counted since
  std::int64_t events_ = 0;
  std::int64_t exchanges_ = 0;
  double frequencies_ = 0;  // the sum of exchanges' 1 / nanoseconds
  Duration pause_{};
};

}  // namespace rpx::rt
