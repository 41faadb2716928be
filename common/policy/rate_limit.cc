#include "policy/rate_limit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"

namespace rpx::policy {
namespace {

constexpr Duration kMostLate = std::chrono::milliseconds(10);

std::int64_t whole_seconds(Duration span) noexcept {
  return std::chrono::ceil<std::chrono::seconds>(std::max(span, Duration::zero())).count();
}

}  // namespace

RateCounters::Slot& RateCounters::slot_of(Set& set, std::uint64_t key, Instant now) noexcept {
  Slot* least = set.slots.data();
  for (Slot& slot : set.slots) {
    if (slot.key == key) return slot;
    if (slot.until < least->until) least = &slot;
  }
  // Only a counter that says nothing any more makes way.
  if (least->until <= now) *least = {key, now};
  return *least;
}

RateCounters::Taken RateCounters::take(std::string_view text, Duration each, Duration most, Instant now) noexcept {
  // Nobody comes at the very moment that a place is free: what is lost by that would be lost for good without a burst,
  // one part of an interval each time. So the next may be early by as much, up to half an interval: never two at once.
  const Duration late = std::min<Duration>(each / 2, kMostLate);
  const std::uint64_t key = siphash(key_, text) | 1U;  // never that of an empty slot
  const std::size_t at = (key >> 1U) % kSets;
  const std::scoped_lock lock(locks_[at % locks_.size()]);
  Set& set = sets_[at];
  // Who comes with an earlier time than the last one is not further ahead for it.
  now = set.latest = std::max(set.latest, now);
  Slot& slot = slot_of(set, key, now);
  const Instant next = std::max(slot.until, now - late) + each;
  if (next - now > most) return {.within = false, .ahead = next - now};
  slot.until = next;
  return {.within = true, .ahead = next - now};
}

Result<std::shared_ptr<const RateLimit>> RateLimit::build(const RateLimitOptions& options,
                                                          std::shared_ptr<RateCounters> counters) {
  auto out = std::make_shared<RateLimit>();
  out->options_ = options;
  RPX_TRY(out->key_, TextTemplate::parse(options.key, TemplateUse::kRequest));
  // An IPv6 client has a whole /64 to choose addresses from.
  out->key_.narrow_clients();
  for (const TemplatePart& part : out->key_.parts()) out->counts_users_ |= part.variable == Variable::kUser;
  out->each_ = std::max(
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / options.rate.per_second)), Duration(1));
  out->most_ = out->each_ * options.burst;
  out->policy_field_ = fmt::format(R"("{}";q={};w={})", options.name, options.burst,
                                   std::max<std::int64_t>(1, whole_seconds(out->most_)));
  out->counters_ = counters ? std::move(counters) : std::make_shared<RateCounters>();
  return out;
}

RateLimit::Verdict RateLimit::take(std::string_view text, Instant now) const noexcept {
  const RateCounters::Taken taken = counters_->take(text, each_, most_, now);
  if (!taken.within)
    return {
        .within = false, .wait = {}, .retry_after = taken.ahead - most_, .remaining = 0, .reset = taken.ahead - each_};
  Verdict out;
  out.remaining = static_cast<std::uint32_t>((most_ - taken.ahead) / each_);
  out.reset = taken.ahead;
  if (options_.delay) out.wait = std::max(taken.ahead - each_, Duration::zero());
  return out;
}

}  // namespace rpx::policy
