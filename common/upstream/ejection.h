// What requests themselves show of a server: failures in a row, or too many of them, take it out for a while, and one
// request tries it before all others may. Written by every worker that uses the server. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/units.h"
#include "upstream/options.h"

namespace rpx::upstream {

/// How many of `servers` may be out at once by `share` (0–1): rounded down, but one at least, and never the only one.
std::size_t most_ejected(std::size_t servers, double share) noexcept;

/// For how long a server is out the `times`th time in a row (from 1): `first`, twice as long each time, 5 minutes at
/// most unless `first` is longer.
Duration ejection_time(Duration first, std::uint32_t times) noexcept;

class Ejection {
 public:
  /// A request went well.
  void succeeded() noexcept {
    if (in_a_row_.load(std::memory_order_relaxed) != 0) in_a_row_.store(0, std::memory_order_relaxed);
  }
  /// A request went wrong; `requests` is how many the server has had so far. Why the server should be out by `rule`, in
  /// words, or nothing.
  std::string failed(const EjectOptions& rule, std::uint64_t requests, Instant now);

  /// Its time is over: one request may try it.
  bool is_due(Instant now) const noexcept { return now.time_since_epoch().count() >= until_.load(); }
  /// Makes the caller's request that one; false when another was quicker. Without an outcome the next may try after
  /// `patience`.
  bool begin_trial(Instant now, Duration patience) noexcept;
  bool on_trial() const noexcept { return on_trial_.load(std::memory_order_relaxed); }

  /// It is out from now on, and for how long. One thread at a time.
  Duration begin(const EjectOptions& rule, Instant now, std::string why);
  /// It is back.
  void end(Instant now) noexcept;
  /// When the time ends; what led to it; how often it happened.
  Instant until() const noexcept { return Instant(Duration(until_.load())); }
  std::string why() const;
  std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

  /// Takes over what is known of the same server under other options.
  void inherit(const Ejection& before);

 private:
  std::atomic<std::uint32_t> in_a_row_{0};  // failures
  std::atomic<std::int64_t> until_{0};      // nanoseconds of the steady clock
  std::atomic<bool> on_trial_{false};
  std::atomic<std::uint64_t> count_{0};

  mutable std::mutex mutex_;  // guards what follows
  std::string why_;
  std::uint32_t times_ = 0;  // in a row
  Duration last_{};          // the last time out
  Instant back_{};           // and when it ended
  Instant window_{};         // of counting the share of failures
  std::uint64_t requests_before_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace rpx::upstream
