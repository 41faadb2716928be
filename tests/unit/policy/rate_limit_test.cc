#include "policy/rate_limit.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using namespace rpx;
using namespace rpx::policy;
using namespace std::chrono_literals;

namespace {

const Instant kStart = Instant(std::chrono::hours(1));

RateLimitOptions options(double per_second, std::uint32_t burst) {
  RateLimitOptions out;
  out.name = "api";
  out.rate = Rate{per_second};
  out.burst = burst;
  return out;
}

}  // namespace

TEST_CASE("rate_limit: lets a burst through, then the rate", "[policy]") {
  const auto limit = *RateLimit::build(options(10, 3), nullptr);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto verdict = limit->take("a", kStart);
    CHECK(verdict.within);
    CHECK(verdict.remaining == 2 - i);
    CHECK(verdict.wait == Duration::zero());
  }
  const auto refused = limit->take("a", kStart);
  CHECK_FALSE(refused.within);
  CHECK(refused.retry_after == 100ms);
  CHECK(refused.remaining == 0);
  CHECK(refused.reset == 300ms);
  CHECK(limit->take("b", kStart).within);
  CHECK_FALSE(limit->take("a", kStart + 99ms).within);
  CHECK(limit->take("a", kStart + 100ms).within);
  CHECK_FALSE(limit->take("a", kStart + 100ms).within);
  CHECK(limit->take("a", kStart + 10s).remaining == 2);
}

TEST_CASE("rate_limit: with delay each waits for its turn", "[policy]") {
  RateLimitOptions with = options(10, 3);
  with.delay = true;
  const auto limit = *RateLimit::build(with, nullptr);
  CHECK(limit->take("a", kStart).wait == 0ms);
  CHECK(limit->take("a", kStart).wait == 100ms);
  CHECK(limit->take("a", kStart).wait == 200ms);
  CHECK_FALSE(limit->take("a", kStart).within);
}

TEST_CASE("rate_limit: a worker whose clock is behind takes nothing from the burst", "[policy]") {
  const auto limit = *RateLimit::build(options(10, 2), nullptr);
  CHECK(limit->take("a", kStart + 5ms).within);
  CHECK(limit->take("a", kStart).within);
  CHECK_FALSE(limit->take("a", kStart).within);
}

TEST_CASE("rate_limit: over a long time the rate is what is let through, whoever asks how often", "[policy]") {
  const auto limit = *RateLimit::build(options(100, 20), nullptr);
  int let = 0;
  for (int i = 0; i < 10'000; ++i) let += limit->take("a", kStart + i * 1ms).within;
  CHECK(let >= 10 * 100);
  CHECK(let <= 10 * 100 + 20);
}

TEST_CASE("rate_limit: without a burst, too, the rate is what is let through, although nobody comes on time",
          "[policy]") {
  for (const double rate : {50.0, 100.0, 1000.0}) {
    const auto limit = *RateLimit::build(options(rate, 1), nullptr);
    const auto each = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / rate));
    int let = 0;
    // They ask again and again, at times that have nothing to do with the rate.
    const Duration pace = each / 7 + 1us;
    Instant last = Instant::min();
    for (Instant now = kStart; now < kStart + 10s; now += pace) {
      if (!limit->take("a", now).within) continue;
      ++let;
      CHECK((last == Instant::min() || now - last >= each / 2));
      last = now;
    }
    CHECK(let >= 10 * rate * 0.998);
    CHECK(let <= 10 * rate + 2);
  }
}

TEST_CASE("rate_limit: threads share one count", "[policy]") {
  const auto limit = *RateLimit::build(options(1, 1000), nullptr);
  std::atomic<int> let = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) let += limit->take("a", kStart).within;
    });
  threads.clear();
  CHECK(let == 1000);
}

TEST_CASE("rate_limit: nobody gets rid of a count by making others", "[policy]") {
  const auto limit = *RateLimit::build(options(0.001, 2), nullptr);
  CHECK(limit->take("mine", kStart).within);
  CHECK(limit->take("mine", kStart).within);
  CHECK_FALSE(limit->take("mine", kStart).within);
  for (std::size_t i = 0; i < 4 * RateCounters::kSets * RateCounters::kWays; ++i)
    (void)limit->take("other" + std::to_string(i), kStart);
  CHECK_FALSE(limit->take("mine", kStart).within);
}

TEST_CASE("rate_limit: counts live on with the counters", "[policy]") {
  const auto before = *RateLimit::build(options(1, 1), nullptr);
  CHECK(before->take("a", kStart).within);
  const auto after = *RateLimit::build(options(1, 1), before->counters());
  CHECK_FALSE(after->take("a", kStart).within);
}

TEST_CASE("rate_limit: a key that is no template is refused", "[policy]") {
  RateLimitOptions wrong = options(1, 1);
  wrong.key = "{nobody}";
  CHECK_FALSE(RateLimit::build(wrong, nullptr));
}
