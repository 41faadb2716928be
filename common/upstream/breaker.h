// The circuit breaker of one server: when too many of its requests fail or are late, or too many are at it at once, it
// gets none at all for a while; then one at a time tries it, until enough of them went well. Unlike an ejection it
// minds no other server: when all are open, requests fail at once. Written by every worker. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/units.h"
#include "upstream/options.h"

namespace rpx::upstream {

class Breaker {
 public:
  /// A request failed, or was late; `requests` is how many the server has had so far. Why the circuit should open by
  /// `rule`, in words, or nothing.
  std::string failed(const BreakerOptions& rule, std::uint64_t requests, Instant now);

  /// The time of being open is over: one request may try the server.
  bool is_due(Instant now) const noexcept { return now.time_since_epoch().count() >= until_.load(); }
  /// Makes the caller's request that one; false when another was quicker. Without an outcome the next may try after
  /// `patience`.
  bool begin_trial(Instant now, Duration patience) noexcept;
  /// Whether requests are trying it: half-open.
  bool on_trial() const noexcept { return on_trial_.load(std::memory_order_relaxed); }
  /// A trial went well: true when it was the last that was wanted; otherwise the next one may begin.
  bool trial_went_well(const BreakerOptions& rule, Instant now) noexcept;

  /// It is open from now on.
  void open(const BreakerOptions& rule, Instant now, std::string why);
  /// It is closed.
  void close() noexcept;
  /// When trials begin; what led to it; how often it happened.
  Instant until() const noexcept { return Instant(Duration(until_.load())); }
  std::string why() const;
  std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

  /// Takes over what is known of the same server under other options.
  void inherit(const Breaker& before);

 private:
  std::atomic<std::int64_t> until_{0};  // nanoseconds of the steady clock
  std::atomic<bool> on_trial_{false};
  std::atomic<std::uint32_t> good_trials_{0};
  std::atomic<std::uint64_t> count_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::string why_;
  Instant window_{};  // of counting the share of failures
  std::uint64_t requests_before_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace rpx::upstream
