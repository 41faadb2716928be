// The state of a circuit, with time as a parameter.
#include "upstream/breaker.h"

#include <catch2/catch.hpp>

namespace rpx::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kNow = Instant(std::chrono::hours(1000));
const BreakerOptions kRule{.failure_rate = 0.5,
                           .slow = {},
                           .requests = 10,
                           .window = seconds(10),
                           .pending = 0,
                           .lasting = seconds(5),
                           .trials = 2};

TEST_CASE("breaker: the share of failures counts once there are enough requests", "[upstream]") {
  Breaker breaker;
  for (std::uint64_t n = 101; n < 110; ++n) CHECK(breaker.failed(kRule, n, kNow).empty());
  CHECK(breaker.failed(kRule, 110, kNow) == "10 of 10 requests failed or were late");
}

TEST_CASE("breaker: a smaller share, or failures of before the window, do not count", "[upstream]") {
  Breaker breaker;
  std::uint64_t requests = 0;
  for (int n = 0; n < 50; ++n) CHECK(breaker.failed(kRule, requests += 3, kNow).empty());
  Breaker other;
  for (std::uint64_t n = 1; n < 10; ++n) CHECK(other.failed(kRule, n, kNow).empty());
  CHECK(other.failed(kRule, 10, kNow + seconds(11)).empty());
}

TEST_CASE("breaker: without a share no failure matters", "[upstream]") {
  BreakerOptions rule = kRule;
  rule.failure_rate = 0;
  Breaker breaker;
  for (std::uint64_t n = 1; n < 100; ++n) CHECK(breaker.failed(rule, n, kNow).empty());
}

TEST_CASE("breaker: trials come one at a time, and enough good ones close it", "[upstream]") {
  Breaker breaker;
  breaker.open(kRule, kNow, "why");
  CHECK_FALSE(breaker.is_due(kNow + seconds(4)));
  CHECK_FALSE(breaker.begin_trial(kNow + seconds(4), seconds(5)));
  Instant now = kNow + seconds(5);
  REQUIRE(breaker.begin_trial(now, seconds(5)));
  CHECK(breaker.on_trial());
  CHECK_FALSE(breaker.begin_trial(now + seconds(4), seconds(5)));
  now += milliseconds(3);
  CHECK_FALSE(breaker.trial_went_well(kRule, now));
  REQUIRE(breaker.begin_trial(now, seconds(5)));
  CHECK(breaker.trial_went_well(kRule, now));
  breaker.close();
  CHECK_FALSE(breaker.on_trial());
  CHECK(breaker.count() == 1);
  CHECK(breaker.why() == "why");
}

TEST_CASE("breaker: a trial that nobody hears of again makes way for the next", "[upstream]") {
  Breaker breaker;
  breaker.open(kRule, kNow, "why");
  const Instant now = kNow + seconds(5);
  REQUIRE(breaker.begin_trial(now, seconds(5)));
  CHECK(breaker.begin_trial(now + seconds(5), seconds(5)));
}

TEST_CASE("breaker: opened anew it wants all its trials again", "[upstream]") {
  Breaker breaker;
  breaker.open(kRule, kNow, "first");
  Instant now = kNow + seconds(5);
  REQUIRE(breaker.begin_trial(now, seconds(5)));
  CHECK_FALSE(breaker.trial_went_well(kRule, now));
  breaker.open(kRule, now, "second");
  now += seconds(5);
  REQUIRE(breaker.begin_trial(now, seconds(5)));
  CHECK_FALSE(breaker.trial_went_well(kRule, now));
  CHECK(breaker.count() == 2);
}

TEST_CASE("breaker: what is known outlives a change of the server's options", "[upstream]") {
  Breaker before;
  before.open(kRule, kNow, "why");
  Breaker after;
  after.inherit(before);
  CHECK(after.why() == "why");
  CHECK(after.until() == kNow + seconds(5));
  CHECK(after.count() == 1);
}

}  // namespace
}  // namespace rpx::upstream
