// What is remembered of the time that replies take.
#include <catch2/catch.hpp>

#include <random>
#include <vector>

#include "balance/percentiles.h"
#include "balance/typical_latency.h"

namespace rpx::balance {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kNow = Instant(std::chrono::hours(1000));

TEST_CASE("percentiles: are a fifth too long at most, whatever the distribution", "[balance]") {
  std::mt19937 random(7);
  std::lognormal_distribution<double> draw(8, 2);
  Percentiles percentiles;
  std::vector<double> all;
  for (int n = 0; n < 3000; ++n) {
    all.push_back(std::max(4.0, draw(random)));
    percentiles.add(microseconds(static_cast<std::int64_t>(all.back())));
  }
  std::ranges::sort(all);
  for (const std::uint32_t percent : {1U, 50U, 90U, 95U, 99U}) {
    const double exact = all[all.size() * percent / 100 - (percent == 100 ? 1 : 0)];
    const auto told = percentiles.at(percent);
    REQUIRE(told);
    const double us = std::chrono::duration<double, std::micro>(*told).count();
    INFO(percent);
    CHECK(us >= exact * 0.97);
    CHECK(us <= exact * 1.26 + 1);
  }
}

TEST_CASE("percentiles: say nothing before a hundred replies, and forget what was", "[balance]") {
  Percentiles percentiles;
  for (int n = 0; n < 99; ++n) percentiles.add(milliseconds(1));
  CHECK_FALSE(percentiles.at(50));
  percentiles.add(milliseconds(1));
  REQUIRE(percentiles.at(50));
  CHECK(*percentiles.at(50) < milliseconds(2));
  for (int n = 0; n < 20000; ++n) percentiles.add(milliseconds(100));
  CHECK(*percentiles.at(1) > milliseconds(90));
  percentiles.add(std::chrono::hours(1));
  percentiles.add(Duration::zero());
  CHECK(*percentiles.at(99) < milliseconds(200));
}

TEST_CASE("typical latency: one slow reply among many moves it little", "[balance]") {
  TypicalLatency latency;
  for (int n = 0; n < 19; ++n) latency.learn(milliseconds(10), kNow);
  CHECK_FALSE(latency.typical(kNow));
  latency.learn(milliseconds(10), kNow);
  CHECK(*latency.typical(kNow) == Approx(0.010).epsilon(0.01));
  latency.learn(seconds(5), kNow);
  CHECK(*latency.typical(kNow) < 0.016F);
  for (int n = 0; n < 60; ++n) latency.learn(milliseconds(100), kNow);
  CHECK(*latency.typical(kNow) == Approx(0.1).epsilon(0.1));
}

TEST_CASE("typical latency: is forgotten with time, and when asked to", "[balance]") {
  TypicalLatency latency;
  for (int n = 0; n < 20; ++n) latency.learn(milliseconds(10), kNow);
  CHECK(latency.typical(kNow + seconds(10)));
  CHECK_FALSE(latency.typical(kNow + seconds(12)));
  // The clocks of two workers may be a moment apart.
  CHECK(latency.typical(kNow - milliseconds(900)));
  for (int n = 0; n < 20; ++n) latency.learn(milliseconds(30), kNow + seconds(60));
  CHECK(*latency.typical(kNow + seconds(60)) == Approx(0.03).epsilon(0.01));
  latency.forget();
  CHECK_FALSE(latency.typical(kNow + seconds(60)));
}

}  // namespace
}  // namespace rpx::balance
