#include "upstream/retry.h"

#include <algorithm>

#include "base/text.h"

namespace rpx::upstream {

RetryRule::RetryRule(const RetryOptions& options)
    : attempts_(options.attempts), budget_(options.budget), methods_(options.methods) {
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
      (!failure.sent || http::is_idempotent(id) || may_repeat(method)))
    return Verdict::kFresh;
  if (tries > attempts_) return Verdict::kGiveUp;
  if (failure.sent && !may_repeat(method)) return Verdict::kGiveUp;
  if (failure.status != 0) return retries_status(failure.status) ? Verdict::kNext : Verdict::kGiveUp;
  return retries_kind(failure.kind) ? Verdict::kNext : Verdict::kGiveUp;
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
