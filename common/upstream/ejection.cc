#include "upstream/ejection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace rpx::upstream {
namespace {

constexpr Duration kLongest = std::chrono::minutes(5);
// The share of failures is that of so long, and means nothing with fewer requests.
constexpr Duration kWindow = std::chrono::seconds(10);
constexpr std::uint64_t kFewest = 20;

}  // namespace

std::size_t most_ejected(std::size_t servers, double share) noexcept {
  if (servers < 2 || share <= 0) return 0;
  const auto by_share = static_cast<std::size_t>(std::floor(static_cast<double>(servers) * share + 1e-9));
  return std::max<std::size_t>(1, by_share);
}

Duration ejection_time(Duration first, std::uint32_t times) noexcept {
  Duration out = first;
  for (std::uint32_t n = 1; n < times && out < kLongest; ++n) out *= 2;
  return std::min(out, std::max(first, kLongest));
}

std::string Ejection::failed(const EjectOptions& rule, std::uint64_t requests, Instant now) {
  const std::uint32_t in_a_row = in_a_row_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (rule.errors != 0 && in_a_row >= rule.errors) return fmt::format("{} failures in a row", in_a_row);
  if (rule.failure_rate <= 0) return {};
  const std::scoped_lock lock(mutex_);
  if (now - window_ > kWindow) {
    window_ = now;
    requests_before_ = requests == 0 ? 0 : requests - 1;
    failures_ = 0;
  }
  ++failures_;
  const std::uint64_t seen = requests - std::min(requests, requests_before_);
  if (seen < kFewest || static_cast<double>(failures_) < rule.failure_rate * static_cast<double>(seen)) return {};
  return fmt::format("{} of {} requests failed", failures_, seen);
}

bool Ejection::begin_trial(Instant now, Duration patience) noexcept {
  std::int64_t until = until_.load();
  if (now.time_since_epoch().count() < until) return false;
  if (!until_.compare_exchange_strong(until, (now + patience).time_since_epoch().count())) return false;
  on_trial_.store(true, std::memory_order_relaxed);
  return true;
}

Duration Ejection::begin(const EjectOptions& rule, Instant now, std::string why) {
  const std::scoped_lock lock(mutex_);
  // A server that was well for as long as it had been out begins anew.
  if (!on_trial() && now - back_ > last_) times_ = 0;
  ++times_;
  last_ = ejection_time(rule.lasting, times_);
  why_ = std::move(why);
  failures_ = 0;
  window_ = {};
  on_trial_.store(false, std::memory_order_relaxed);
  in_a_row_.store(0, std::memory_order_relaxed);
  until_.store((now + last_).time_since_epoch().count());
  count_.fetch_add(1, std::memory_order_relaxed);
  return last_;
}

void Ejection::end(Instant now) noexcept {
  const std::scoped_lock lock(mutex_);
  back_ = now;
  on_trial_.store(false, std::memory_order_relaxed);
  in_a_row_.store(0, std::memory_order_relaxed);
}

std::string Ejection::why() const {
  const std::scoped_lock lock(mutex_);
  return why_;
}

void Ejection::inherit(const Ejection& before) {
  const std::scoped_lock lock(mutex_, before.mutex_);
  in_a_row_.store(before.in_a_row_.load());
  until_.store(before.until_.load());
  on_trial_.store(before.on_trial_.load());
  count_.store(before.count_.load());
  why_ = before.why_;
  times_ = before.times_;
  last_ = before.last_;
  back_ = before.back_;
}

}  // namespace rpx::upstream
