#include "upstream/retry.h"

#include <algorithm>

#include "base/text.h"
#include "http/date.h"

namespace rpx::upstream {
namespace {

constexpr Duration kLongestPause = std::chrono::seconds(10);
// Far beyond what a request could wait.
constexpr std::uint64_t kMostSeconds = 1'000'000;

}  // namespace

RetryRule::RetryRule(const RetryOptions& options)
    : attempts_(options.attempts),
      budget_(options.budget),
      backoff_(options.backoff),
      retry_after_(options.retry_after),
      replay_(options.replay),
      minds_keys_(options.idempotency_key),
      methods_(options.methods) {
  for (const std::string& reason : options.on) {
    on_connect_ |= reason == "connect";
    on_timeout_ |= reason == "timeout";
    on_reset_ |= reason == "reset";
    if (const auto status = parse_uint(reason)) statuses_.push_back(static_cast<std::uint16_t>(*status));
  }
}

bool RetryRule::may_repeat(std::string_view method) const noexcept {
  return std::ranges::find(methods_, method) != methods_.end();
}

bool RetryRule::retries_status(std::uint16_t status) const noexcept {
  return std::ranges::find(statuses_, status) != statuses_.end();
}

bool RetryRule::retries_kind(ErrorKind kind) const noexcept {
  switch (kind) {
    case ErrorKind::kConnectRefused:
    case ErrorKind::kConnectFailed:
    case ErrorKind::kConnectTimeout:
    case ErrorKind::kUnresolved:
    case ErrorKind::kTlsCertificate:
    case ErrorKind::kTlsProtocol:
    case ErrorKind::kPoolFull: return on_connect_;
    case ErrorKind::kResponseTimeout:
    case ErrorKind::kWriteTimeout: return on_timeout_;
    case ErrorKind::kClosed:
    case ErrorKind::kReset:
    case ErrorKind::kResponseTruncated: return on_reset_;
    default: return false;
  }
}

Verdict RetryRule::after(const Failure& failure, std::string_view method, http::Method id,
                         std::uint32_t tries) const noexcept {
  if (!failure.replayable) return Verdict::kGiveUp;
  const bool closed = failure.kind == ErrorKind::kClosed || failure.kind == ErrorKind::kReset;
  // A kept connection that the server closed while the request was on its way: nothing was wrong with the
  // server, and it did not answer. Repeating is safe for idempotent methods alone (RFC 9110 section 9.2.2).
  if (failure.status == 0 && failure.reused && failure.silent && closed &&
      (!failure.sent || failure.keyed || http::is_idempotent(id) || may_repeat(method)))
    return Verdict::kFresh;
  if (tries > attempts_) return Verdict::kGiveUp;
  if (failure.sent && !failure.keyed && !may_repeat(method)) return Verdict::kGiveUp;
  if (failure.status != 0) return retries_status(failure.status) ? Verdict::kNext : Verdict::kGiveUp;
  return retries_kind(failure.kind) ? Verdict::kNext : Verdict::kGiveUp;
}

Duration RetryRule::pause_before(std::uint32_t n) const noexcept {
  Duration out = backoff_;
  for (std::uint32_t i = 1; i < n && out < kLongestPause; ++i) out *= 2;
  return std::min(out, std::max(backoff_, kLongestPause));
}

std::optional<Duration> RetryRule::minded(std::string_view retry_after, WallTime now) const {
  if (retry_after_ <= Duration::zero() || retry_after.empty()) return std::nullopt;
  Duration asked{};
  if (const auto seconds = parse_uint(retry_after)) {
    if (*seconds > kMostSeconds) return std::nullopt;
    asked = std::chrono::seconds(*seconds);
  } else if (const auto date = http::parse_http_date(retry_after)) {
    asked = std::max(Duration::zero(), std::chrono::duration_cast<Duration>(*date - now));
  } else {
    return std::nullopt;
  }
  return asked <= retry_after_ ? std::optional(asked) : std::nullopt;
}

bool RetryBudget::take(Instant now) noexcept {
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    used_in_second_ = 0;
  }
  if (used_in_second_ < kFloorPerSecond) {
    ++used_in_second_;
    return true;
  }
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace rpx::upstream
