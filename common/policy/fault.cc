#include "policy/fault.h"

#include <algorithm>

namespace rpx::policy {
namespace {

// SplitMix64: a number for each place in a sequence, without the ones before it.
std::uint64_t mix(std::uint64_t value) noexcept {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

// What is drawn for one request: each kind of fault on its own, so that changing one does not move the others.
enum class What : std::uint8_t { kDelay, kJitter, kAbort, kReset, kTruncate };

class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t request) noexcept : base_(mix(mix(seed) + request)) {}
  bool hits(What what, std::uint32_t percent) const noexcept { return number(what) % 100 < percent; }
  std::uint64_t number(What what) const noexcept { return mix(base_ + static_cast<std::uint64_t>(what)); }

 private:
  std::uint64_t base_;
};

Duration jittered(const FaultDelay& delay, std::uint64_t number) noexcept {
  if (delay.jitter <= Duration::zero()) return delay.time;
  const auto width = static_cast<std::uint64_t>(delay.jitter.count()) * 2 + 1;
  const Duration moved = delay.time - delay.jitter + Duration(static_cast<Duration::rep>(number % width));
  return std::max(moved, Duration::zero());
}

}  // namespace

Fault::Draw Fault::draw() noexcept {
  const std::scoped_lock lock(mutex_);
  const Dice dice(now_.seed, drawn_++);
  Draw out{.delay = {}, .status = 0, .reset = false, .bandwidth = now_.bandwidth, .truncate_after = {}};
  if (now_.delay && dice.hits(What::kDelay, now_.delay->percent))
    out.delay = jittered(*now_.delay, dice.number(What::kJitter));
  if (now_.abort && dice.hits(What::kAbort, now_.abort->percent)) out.status = now_.abort->status;
  if (now_.reset && dice.hits(What::kReset, now_.reset->percent)) out.reset = true;
  if (now_.truncate && dice.hits(What::kTruncate, now_.truncate->percent)) out.truncate_after = now_.truncate->after;
  ++requests_;
  if (out.delay > Duration::zero() || out.status != 0 || out.reset || out.bandwidth != 0 || out.truncate_after) ++hits_;
  return out;
}

FaultOptions Fault::now() const {
  const std::scoped_lock lock(mutex_);
  return now_;
}

bool Fault::active() const {
  const std::scoped_lock lock(mutex_);
  return now_.delay || now_.abort || now_.reset || now_.truncate || now_.bandwidth != 0;
}

void Fault::change(FaultOptions options) {
  const std::scoped_lock lock(mutex_);
  options.name = configured_.name;
  now_ = std::move(options);
  drawn_ = 0;
}

std::uint64_t Fault::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

std::uint64_t Fault::hits() const {
  const std::scoped_lock lock(mutex_);
  return hits_;
}

}  // namespace rpx::policy
