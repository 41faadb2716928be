// Whether a failed try is made again, and where: a pure rule over values (RFC 9110 section 9.2.2), and the budget
// that keeps retries from making a bad day worse.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "http/message.h"
#include "upstream/options.h"

namespace rpx::upstream {

/// What is known of a try that has failed.
struct Failure {
  ErrorKind kind = ErrorKind::kInternal;
  std::uint16_t status = 0;  ///< with a reply whose status counts as a failure
  bool sent = false;         ///< a byte of the request may have reached the server
  bool reused = false;       ///< over a connection kept from before
  bool silent = true;        ///< not a byte of a reply was received
  bool replayable = true;    ///< the whole request can still be sent again
  bool keyed = false;        ///< the client lets it be repeated, whatever its method
};

enum class Verdict : std::uint8_t {
  kGiveUp,
  kFresh,  ///< same server, new connection; does not count as a try
  kNext,   ///< another server
};

class RetryRule {
 public:
  explicit RetryRule(const RetryOptions& options);

  /// What to do after `failure`. `tries` is how many servers have been tried, at least 1.
  Verdict after(const Failure& failure, std::string_view method, http::Method id, std::uint32_t tries) const noexcept;
  /// Whether a reply with this status is a failure to be retried for `method` at all.
  bool retries_status(std::uint16_t status) const noexcept;
  std::uint32_t attempts() const noexcept { return attempts_; }
  double budget() const noexcept { return budget_; }
  /// Whether an Idempotency-Key lets a request be repeated.
  bool minds_keys() const noexcept { return minds_keys_; }
  std::size_t replay() const noexcept { return replay_; }
  /// The pause before the `n`th further try (from 1), without what chance does to it.
  Duration pause_before(std::uint32_t n) const noexcept;
  /// For how long the value of a Retry-After is minded: it in seconds or as a date (RFC 9110 section 10.2.3), none when
  /// it is longer than `retry_after`.
  std::optional<Duration> minded(std::string_view retry_after, WallTime now) const;

 private:
  bool may_repeat(std::string_view method) const noexcept;
  bool retries_kind(ErrorKind kind) const noexcept;
  std::uint32_t attempts_;
  double budget_;
  Duration backoff_;
  Duration retry_after_;
  std::size_t replay_;
  bool minds_keys_;
  bool on_connect_ = false;
  bool on_timeout_ = false;
  bool on_reset_ = false;
  std::vector<std::uint16_t> statuses_;
  std::vector<std::string> methods_;
};

/// The values `retry.on` may have beside status codes.
inline constexpr std::string_view kRetryReasons[] = {"connect", "timeout", "reset"};

/// Retries as a share of requests, with a floor of ten a second. One thread.
class RetryBudget {
 public:
  void on_request(double share) noexcept { tokens_ = tokens_ + share > kMost ? kMost : tokens_ + share; }
  /// Takes one retry if there is one.
  bool take(Instant now) noexcept;

 private:
  static constexpr double kMost = 1000;
  static constexpr int kFloorPerSecond = 10;
  double tokens_ = 0;
  Instant second_{};
  int used_in_second_ = 0;
};

}  // namespace rpx::upstream
