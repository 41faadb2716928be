#include "upstream/server_state.h"

#include <algorithm>

namespace rpx::upstream {

std::string_view name_of(Admin admin) noexcept {
  switch (admin) {
    case Admin::kReady: return "ready";
    case Admin::kDrain: return "drain";
    case Admin::kMaint: return "maint";
  }
  return "ready";
}

Admin ServerState::admin() const noexcept {
  const std::uint8_t reasons = reasons_.load(std::memory_order_relaxed);
  if ((reasons & kMaint) != 0) return Admin::kMaint;
  return (reasons & kDrain) != 0 ? Admin::kDrain : Admin::kReady;
}

bool ServerState::set_healthy(bool healthy, Instant now, Duration slow_start) noexcept {
  if (!healthy) return (reasons_.fetch_or(kFailing, std::memory_order_relaxed) & kFailing) == 0;
  if ((reasons_.load(std::memory_order_relaxed) & kFailing) == 0) return false;
  // The ramp stands before the door opens.
  if (slow_start > Duration::zero()) {
    ramp_for_.store(slow_start.count(), std::memory_order_relaxed);
    ramp_from_.store(now.time_since_epoch().count(), std::memory_order_release);
  }
  reasons_.fetch_and(static_cast<std::uint8_t>(~kFailing), std::memory_order_release);
  return true;
}

std::uint32_t ServerState::ramped(std::int64_t began, Instant now) const noexcept {
  const std::int64_t passed = std::max<std::int64_t>(0, now.time_since_epoch().count() - began);
  const std::int64_t whole = ramp_for_.load(std::memory_order_relaxed);
  const std::uint64_t full = std::uint64_t{weight()} * kFull;
  if (passed >= whole) return static_cast<std::uint32_t>(full);
  const double part = static_cast<double>(passed) / static_cast<double>(whole);
  return std::max(1U, static_cast<std::uint32_t>(static_cast<double>(full) * part));
}

void ServerState::set_admin(Admin admin, Instant until) noexcept {
  until_.store(until.time_since_epoch().count(), std::memory_order_relaxed);
  std::uint8_t wanted = 0;
  if (admin == Admin::kDrain) wanted = kDrain;
  if (admin == Admin::kMaint) wanted = kMaint;
  std::uint8_t reasons = reasons_.load(std::memory_order_relaxed);
  while (!reasons_.compare_exchange_weak(reasons,
                                         static_cast<std::uint8_t>((reasons & (kFailing | kEjected | kOpen)) | wanted),
                                         std::memory_order_relaxed)) {
  }
}

bool ServerState::expire(Instant now) noexcept {
  std::int64_t until = until_.load(std::memory_order_relaxed);
  if (now.time_since_epoch().count() < until) return false;
  // One of those who notice does it.
  if (!until_.compare_exchange_strong(until, Instant::max().time_since_epoch().count(), std::memory_order_relaxed))
    return false;
  set_admin(Admin::kReady, Instant::max());
  return true;
}

void ServerState::inherit(const ServerState& before, std::uint32_t configured) {
  reasons_.store(before.reasons_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  until_.store(before.until_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  ramp_for_.store(before.ramp_for_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  ramp_from_.store(before.ramp_from_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  // A weight that the file has changed is what counts now; otherwise an operator's stays.
  if (weight() == configured) set_weight(before.weight());
  set_facts(before.facts());
}

HealthFacts ServerState::facts() const {
  const std::scoped_lock lock(mutex_);
  return facts_;
}

void ServerState::set_facts(HealthFacts facts) {
  const std::scoped_lock lock(mutex_);
  facts_ = std::move(facts);
}

}  // namespace rpx::upstream
