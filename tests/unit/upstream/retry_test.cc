#include "upstream/retry.h"

#include <catch2/catch.hpp>

#include "http/date.h"

namespace rpx::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Failure kRefused{.kind = ErrorKind::kConnectRefused};
constexpr Failure kNoReply{.kind = ErrorKind::kResponseTimeout, .sent = true};
constexpr Failure kReset{.kind = ErrorKind::kReset, .sent = true};
constexpr Failure kResetMidway{.kind = ErrorKind::kReset, .sent = true, .silent = false};
constexpr Failure kStale{.kind = ErrorKind::kClosed, .sent = true, .reused = true};
constexpr Failure kStaleMidway{.kind = ErrorKind::kClosed, .sent = true, .reused = true, .silent = false};
constexpr Failure kBad{.kind = ErrorKind::kBadResponse, .sent = true, .silent = false};
constexpr Failure k503{.kind = ErrorKind::kBadResponse, .status = 503, .sent = true, .silent = false};
constexpr Failure k500{.kind = ErrorKind::kBadResponse, .status = 500, .sent = true, .silent = false};

struct Row {
  const char* what;
  Failure failure;
  std::string_view method;
  std::uint32_t tries;
  Verdict verdict;
};

TEST_CASE("retry: the rule, for each failure and method", "[upstream][rfc9110-9.2.2]") {
  const Row row = GENERATE(values<Row>({
      {"refused", kRefused, "GET", 1, Verdict::kNext},
      {"refused, nothing was sent", kRefused, "POST", 1, Verdict::kNext},
      {"refused, last try", kRefused, "GET", 3, Verdict::kGiveUp},
      {"refused, one left", kRefused, "GET", 2, Verdict::kNext},
      {"no reply", kNoReply, "GET", 1, Verdict::kNext},
      {"no reply, may have acted", kNoReply, "POST", 1, Verdict::kGiveUp},
      {"no reply, unknown method", kNoReply, "FROB", 1, Verdict::kGiveUp},
      {"reset", kReset, "PUT", 1, Verdict::kNext},
      {"reset, may have acted", kReset, "PATCH", 1, Verdict::kGiveUp},
      {"reset in a reply", kResetMidway, "GET", 1, Verdict::kNext},
      {"stale connection", kStale, "GET", 1, Verdict::kFresh},
      {"stale connection, out of tries", kStale, "DELETE", 9, Verdict::kFresh},
      {"stale connection, may have acted", kStale, "POST", 1, Verdict::kGiveUp},
      {"kept connection, began to reply", kStaleMidway, "GET", 1, Verdict::kNext},
      {"no valid reply", kBad, "GET", 1, Verdict::kGiveUp},
      {"503", k503, "GET", 1, Verdict::kNext},
      {"503, out of tries", k503, "GET", 3, Verdict::kGiveUp},
      {"503, may have acted", k503, "POST", 1, Verdict::kGiveUp},
      {"500", k500, "GET", 1, Verdict::kGiveUp},
  }));
  const RetryRule rule(RetryOptions{});
  CAPTURE(row.what, row.method);
  CHECK(rule.after(row.failure, row.method, http::method_of(row.method), row.tries) == row.verdict);
  // What cannot be sent again is never tried again.
  Failure gone = row.failure;
  gone.replayable = false;
  CHECK(rule.after(gone, row.method, http::method_of(row.method), row.tries) == Verdict::kGiveUp);
}

TEST_CASE("retry: an unsent request on a stale connection goes out afresh whatever its method", "[upstream]") {
  const RetryRule rule(RetryOptions{});
  Failure failure = kStale;
  failure.sent = false;
  CHECK(rule.after(failure, "POST", http::Method::kPost, 1) == Verdict::kFresh);
}

TEST_CASE("retry: only what `on` names is worth another try", "[upstream]") {
  RetryOptions options;
  options.on = {"timeout", "500"};
  options.methods = {"POST"};
  const RetryRule rule(options);
  CHECK(rule.after(kRefused, "POST", http::Method::kPost, 1) == Verdict::kGiveUp);
  CHECK(rule.after(kReset, "POST", http::Method::kPost, 1) == Verdict::kGiveUp);
  CHECK(rule.after(kNoReply, "POST", http::Method::kPost, 1) == Verdict::kNext);
  CHECK(rule.after(kNoReply, "GET", http::Method::kGet, 1) == Verdict::kGiveUp);
  CHECK(rule.after(k500, "POST", http::Method::kPost, 1) == Verdict::kNext);
  CHECK(rule.after(k503, "POST", http::Method::kPost, 1) == Verdict::kGiveUp);
  CHECK(rule.retries_status(500));
  CHECK_FALSE(rule.retries_status(503));
  options.attempts = 0;
  CHECK(RetryRule(options).after(kNoReply, "POST", http::Method::kPost, 1) == Verdict::kGiveUp);
}

TEST_CASE("retry: the budget allows ten a second, and a share of the requests beyond", "[upstream]") {
  RetryBudget budget;
  Instant now{seconds(100)};
  int allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += budget.take(now);
  CHECK(allowed == 10);
  CHECK_FALSE(budget.take(now + milliseconds(999)));
  CHECK(budget.take(now + seconds(1)));

  now += seconds(10);
  for (int i = 0; i < 100; ++i) budget.on_request(0.25);
  allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += budget.take(now);
  CHECK(allowed == 35);
}

TEST_CASE("retry: quiet hours do not save up a storm of retries", "[upstream]") {
  RetryBudget budget;
  for (int i = 0; i < 100'000; ++i) budget.on_request(1.0);
  int allowed = 0;
  for (int i = 0; i < 5000; ++i) allowed += budget.take(Instant{seconds(100)});
  CHECK(allowed == 1010);
}

TEST_CASE("retry: who gives a request a key lets it be repeated", "[upstream]") {
  const RetryRule rule(RetryOptions{});
  for (Failure failure : {kNoReply, kReset, k503}) {
    CHECK(rule.after(failure, "POST", http::Method::kPost, 1) == Verdict::kGiveUp);
    failure.keyed = true;
    CHECK(rule.after(failure, "POST", http::Method::kPost, 1) == Verdict::kNext);
    CHECK(rule.after(failure, "POST", http::Method::kPost, 3) == Verdict::kGiveUp);
  }
  Failure stale = kStale;
  stale.keyed = true;
  CHECK(rule.after(stale, "POST", http::Method::kPost, 1) == Verdict::kFresh);
}

TEST_CASE("retry: pauses double, to ten seconds", "[upstream]") {
  RetryOptions options;
  CHECK(RetryRule(options).pause_before(3) == Duration::zero());
  options.backoff = milliseconds(500);
  const RetryRule rule(options);
  CHECK(rule.pause_before(1) == milliseconds(500));
  CHECK(rule.pause_before(2) == seconds(1));
  CHECK(rule.pause_before(3) == seconds(2));
  CHECK(rule.pause_before(60) == seconds(10));
  options.backoff = seconds(30);
  CHECK(RetryRule(options).pause_before(2) == seconds(30));
}

TEST_CASE("retry: a Retry-After is minded up to a bound", "[upstream][rfc9110-10.2.3]") {
  const WallTime now = http::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").value();
  RetryOptions options;
  CHECK_FALSE(RetryRule(options).minded("1", now));
  options.retry_after = seconds(10);
  const RetryRule rule(options);
  struct Row {
    std::string_view text;
    std::optional<Duration> minded;
  };
  const Row row = GENERATE(values<Row>({{"0", Duration::zero()},
                                        {"10", seconds(10)},
                                        {"11", std::nullopt},
                                        {"99999999999", std::nullopt},
                                        {"", std::nullopt},
                                        {"soon", std::nullopt},
                                        {"-1", std::nullopt},
                                        {"Sun, 06 Nov 1994 08:49:40 GMT", seconds(3)},
                                        {"Sun, 06 Nov 1994 08:49:30 GMT", Duration::zero()},
                                        {"Sun, 06 Nov 1994 08:50:37 GMT", std::nullopt}}));
  CAPTURE(row.text);
  CHECK(rule.minded(row.text, now) == row.minded);
}

}  // namespace
}  // namespace rpx::upstream
