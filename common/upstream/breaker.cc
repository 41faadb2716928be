#include "upstream/breaker.h"

#include <fmt/format.h>

#include <algorithm>

namespace rpx::upstream {

std::string Breaker::failed(const BreakerOptions& rule, std::uint64_t requests, Instant now) {
  if (rule.failure_rate <= 0) return {};
  const std::scoped_lock lock(mutex_);
  if (now - window_ > rule.window) {
    window_ = now;
    requests_before_ = requests == 0 ? 0 : requests - 1;
    failures_ = 0;
  }
  ++failures_;
  const std::uint64_t seen = requests - std::min(requests, requests_before_);
  if (seen < rule.requests || static_cast<double>(failures_) < rule.failure_rate * static_cast<double>(seen)) return {};
  return fmt::format("{} of {} requests failed or were late", failures_, seen);
}

bool Breaker::begin_trial(Instant now, Duration patience) noexcept {
  std::int64_t until = until_.load();
  if (now.time_since_epoch().count() < until) return false;
  if (!until_.compare_exchange_strong(until, (now + patience).time_since_epoch().count())) return false;
  on_trial_.store(true, std::memory_order_relaxed);
  return true;
}

bool Breaker::trial_went_well(const BreakerOptions& rule, Instant now) noexcept {
  if (good_trials_.fetch_add(1) + 1 >= rule.trials) return true;
  until_.store(now.time_since_epoch().count());
  return false;
}

void Breaker::open(const BreakerOptions& rule, Instant now, std::string why) {
  const std::scoped_lock lock(mutex_);
  why_ = std::move(why);
  window_ = {};
  failures_ = 0;
  good_trials_ = 0;
  on_trial_.store(false, std::memory_order_relaxed);
  until_.store((now + rule.lasting).time_since_epoch().count());
  count_.fetch_add(1, std::memory_order_relaxed);
}

void Breaker::close() noexcept {
  const std::scoped_lock lock(mutex_);
  window_ = {};
  failures_ = 0;
  good_trials_ = 0;
  on_trial_.store(false, std::memory_order_relaxed);
}

std::string Breaker::why() const {
  const std::scoped_lock lock(mutex_);
  return why_;
}

void Breaker::inherit(const Breaker& before) {
  const std::scoped_lock lock(mutex_, before.mutex_);
  until_.store(before.until_.load());
  on_trial_.store(before.on_trial_.load());
  good_trials_.store(before.good_trials_.load());
  count_.store(before.count_.load());
  why_ = before.why_;
}

}  // namespace rpx::upstream
