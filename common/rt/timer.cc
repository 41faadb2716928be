#include "rt/timer.h"

#include <algorithm>
#include <bit>

namespace rpx::rt {

TimerWheel::TimerWheel(Instant origin) noexcept : origin_(origin) {
  for (Anchor& anchor : slots_) anchor.next_ = anchor.prev_ = &anchor;
}

void TimerWheel::link(Timer& timer, std::int64_t tick) noexcept {
  const std::size_t slot = static_cast<std::size_t>(tick) % kSlots;
  Timer& anchor = slots_[slot];
  timer.next_ = &anchor;
  timer.prev_ = anchor.prev_;
  anchor.prev_->next_ = &timer;
  anchor.prev_ = &timer;
  used_[slot / 64] |= 1ULL << (slot % 64);
}

void TimerWheel::arm(Timer& timer, Instant at) noexcept {
  timer.due_ms_ = due_ms(at);
  timer.disarm();
  const std::int64_t tick = (timer.due_ms_ + kTickMs - 1) / kTickMs;
  link(timer, std::clamp(tick, tick_ + 1, tick_ + static_cast<std::int64_t>(kSlots) - 1));
}

void TimerWheel::advance(Instant now) {
  const std::int64_t now_ms = to_ms(now);
  const std::int64_t target = now_ms / kTickMs;
  if (target <= tick_) return;
  // After a long sleep one turn of the wheel visits every slot.
  tick_ = std::max(tick_, target - static_cast<std::int64_t>(kSlots));
  while (tick_ < target) {
    ++tick_;
    const std::size_t slot = static_cast<std::size_t>(tick_) % kSlots;
    if (!(used_[slot / 64] & (1ULL << (slot % 64)))) continue;
    used_[slot / 64] &= ~(1ULL << (slot % 64));
    // Taken out as a whole first: firing may arm, disarm and destroy any of them.
    Anchor batch;
    Timer& anchor = slots_[slot];
    if (anchor.next_ == &anchor) continue;
    batch.next_ = anchor.next_;
    batch.prev_ = anchor.prev_;
    batch.next_->prev_ = &batch;
    batch.prev_->next_ = &batch;
    anchor.next_ = anchor.prev_ = &anchor;
    while (batch.next_ != &batch) {
      Timer& timer = *batch.next_;
      timer.disarm();
      if (timer.due_ms_ > now_ms) {
        const std::int64_t tick = (timer.due_ms_ + kTickMs - 1) / kTickMs;
        link(timer, std::clamp(tick, tick_ + 1, tick_ + static_cast<std::int64_t>(kSlots) - 1));
      } else {
        timer.fire();
      }
    }
  }
}

std::optional<Duration> TimerWheel::until_next(Instant now) const noexcept {
  for (std::size_t ahead = 1; ahead < kSlots;) {
    const std::size_t slot = (static_cast<std::size_t>(tick_) + ahead) % kSlots;
    const std::uint64_t word = used_[slot / 64] >> (slot % 64);
    if (!word) {
      ahead += 64 - slot % 64;
      continue;
    }
    ahead += static_cast<std::size_t>(std::countr_zero(word));
    if (ahead >= kSlots) break;
    const std::size_t found = (static_cast<std::size_t>(tick_) + ahead) % kSlots;
    if (slots_[found].next_ == &slots_[found]) {  // all were disarmed since
      used_[found / 64] &= ~(1ULL << (found % 64));
      ++ahead;
      continue;
    }
    const Instant at = origin_ + std::chrono::milliseconds((tick_ + static_cast<std::int64_t>(ahead)) * kTickMs);
    return at > now ? at - now : Duration::zero();
  }
  return std::nullopt;
}

}  // namespace rpx::rt
