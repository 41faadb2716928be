// Whether requests may go to a server, and how many: what checks found and what operators said, as atomics that
// every worker reads at each choice. Written by the health thread and the control threads. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/units.h"

namespace rpx::upstream {

/// What an operator wants of a server.
enum class Admin : std::uint8_t {
  kReady,
  kDrain,  ///< finishes what it has, gets nothing new
  kMaint,  ///< the same, and its checks say nothing about it until it is ready again
};

/// "ready", "drain", "maint".
std::string_view name_of(Admin admin) noexcept;

/// What the checks know of a server, for views.
struct HealthFacts {
  bool checked = false;       ///< there is a check
  bool settled = false;       ///< its last probe said what is believed
  std::uint64_t checks = 0;   ///< probes made
  std::uint64_t failed = 0;   ///< of these
  std::uint64_t changes = 0;  ///< of its state
  std::string why;            ///< the last probe, in words
  WallTime last{};            ///< when that was; zero before the first
  Duration took{};            ///< and how long it lasted
  WallTime since{};           ///< of the last change of state
};

class ServerState {
 public:
  /// Nothing speaks against it.
  bool usable() const noexcept { return reasons_.load(std::memory_order_relaxed) == 0; }
  /// No operator took it out: it may be tried when nothing is usable.
  bool allowed() const noexcept { return (reasons_.load(std::memory_order_relaxed) & (kDrain | kMaint)) == 0; }
  /// Requests have shown it to fail, and nothing but that speaks against it.
  bool only_suspect() const noexcept {
    return (reasons_.load(std::memory_order_relaxed) & ~(kEjected | kOpen)) == 0 && !usable();
  }
  /// Its circuit is open: it gets nothing, however bad things are, but for requests that try it.
  bool is_open() const noexcept { return (reasons_.load(std::memory_order_relaxed) & kOpen) != 0; }
  void set_open(bool open) noexcept {
    if (open)
      reasons_.fetch_or(kOpen, std::memory_order_relaxed);
    else
      reasons_.fetch_and(static_cast<std::uint8_t>(~kOpen), std::memory_order_relaxed);
  }
  bool is_ejected() const noexcept { return (reasons_.load(std::memory_order_relaxed) & kEjected) != 0; }
  void set_ejected(bool ejected) noexcept {
    if (ejected)
      reasons_.fetch_or(kEjected, std::memory_order_relaxed);
    else
      reasons_.fetch_and(static_cast<std::uint8_t>(~kEjected), std::memory_order_relaxed);
  }
  /// A client that is bound to it may go on with it.
  bool keeps_sessions() const noexcept { return (reasons_.load(std::memory_order_relaxed) & ~kDrain) == 0; }
  bool healthy() const noexcept { return (reasons_.load(std::memory_order_relaxed) & kFailing) == 0; }
  Admin admin() const noexcept;

  /// The weight as it is now: the configured one, or what an operator set.
  std::uint32_t weight() const noexcept { return weight_.load(std::memory_order_relaxed); }
  /// Its share of requests, in hundredths of weight(): less of them while a server starts slowly. At least 1.
  std::uint32_t share(Instant now) const noexcept {
    const std::int64_t began = ramp_from_.load(std::memory_order_relaxed);
    return began == 0 ? weight() * kFull : ramped(began, now);
  }
  static constexpr std::uint32_t kFull = 100;

  /// What a check has found. `slow_start` counts when the server becomes healthy. True when this is a change.
  bool set_healthy(bool healthy, Instant now, Duration slow_start) noexcept;
  /// `until` ends a drain or a maintenance by itself; Instant::max() = never.
  void set_admin(Admin admin, Instant until) noexcept;
  /// Ends what was set for a time that is over. True when it did.
  bool expire(Instant now) noexcept;
  /// When the administrative state ends by itself; Instant::max() = never.
  Instant admin_until() const noexcept { return Instant(Duration(until_.load(std::memory_order_relaxed))); }
  void set_weight(std::uint32_t weight) noexcept { weight_.store(weight, std::memory_order_relaxed); }
  /// Takes over what is known of the same server under other options. `configured` is the weight it had there.
  void inherit(const ServerState& before, std::uint32_t configured);

  HealthFacts facts() const;
  void set_facts(HealthFacts facts);

 private:
  static constexpr std::uint8_t kFailing = 1;
  static constexpr std::uint8_t kDrain = 2;
  static constexpr std::uint8_t kMaint = 4;
  static constexpr std::uint8_t kEjected = 8;
  static constexpr std::uint8_t kOpen = 16;
  std::uint32_t ramped(std::int64_t began, Instant now) const noexcept;

  std::atomic<std::uint8_t> reasons_{0};
  std::atomic<std::uint32_t> weight_{1};
  std::atomic<std::int64_t> ramp_from_{0};  // nanoseconds of the steady clock; 0 = not ramping
  std::atomic<std::int64_t> ramp_for_{0};
  std::atomic<std::int64_t> until_{Instant::max().time_since_epoch().count()};
  mutable std::mutex mutex_;
  HealthFacts facts_;
};

}  // namespace rpx::upstream
