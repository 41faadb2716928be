// The timer wheel of a loop. Arming and disarming cost a few instructions; a timer whose deadline moves
// later is left where it is and put right when its slot comes round (lazy re-arm). One thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/units.h"

namespace rpx::rt {

class TimerWheel;

/// Something that happens at an instant. Owned by whoever waits; its destructor disarms it.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const noexcept { return next_ != nullptr; }
  void disarm() noexcept {
    if (!next_) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

 protected:
  ~Timer() { disarm(); }
  /// Called on the loop's thread at or after the deadline; the timer is disarmed by then.
  virtual void fire() = 0;

 private:
  friend class TimerWheel;
  Timer* next_ = nullptr;
  Timer* prev_ = nullptr;
  std::int64_t due_ms_ = 0;  // in the wheel's milliseconds
};

class TimerWheel {
 public:
  explicit TimerWheel(Instant origin) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Arms `timer` to fire at `at`, up to kTick late, never early. Re-arms it where it was armed.
  void arm(Timer& timer, Instant at) noexcept;
  /// Sees to it that `timer` fires by `at`: one that does so sooner is left as it is.
  void arm_by(Timer& timer, Instant at) noexcept {
    if (!timer.armed() || timer.due_ms_ > due_ms(at)) arm(timer, at);
  }
  /// Fires what is due by `now`.
  void advance(Instant now);
  /// How long until something may be due: nothing when no timer is armed.
  std::optional<Duration> until_next(Instant now) const noexcept;

  static constexpr std::int64_t kTickMs = 8;

 private:
  static constexpr std::size_t kSlots = 2048;  // horizon 16 s; later deadlines come round again
  struct Anchor final : Timer {
    ~Anchor() { next_ = nullptr; }
    void fire() override {}
  };
  std::int64_t to_ms(Instant at) const noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(at - origin_).count();
  }
  /// Rounded up, so that nothing fires early.
  std::int64_t due_ms(Instant at) const noexcept { return to_ms(at) + 1; }
  void link(Timer& timer, std::int64_t tick) noexcept;

  Instant origin_;
  std::int64_t tick_ = 0;  // ticks handled so far
  std::array<Anchor, kSlots> slots_;
  mutable std::array<std::uint64_t, kSlots / 64> used_{};  // a bit a slot: may hold timers
};

}  // namespace rpx::rt
