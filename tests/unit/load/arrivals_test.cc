#include "load/arrivals.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using rpx::Duration;
using rpx::Instant;
using rpx::load::ArrivalKind;
using rpx::load::Arrivals;

TEST_CASE("constant arrivals keep their distance and add no roundings up", "[load]") {
  const Instant begin{1h};
  Arrivals arrivals(ArrivalKind::kConstant, 3, begin, 0ns, 1);
  CHECK(arrivals.next() == begin);
  for (int i = 0; i < 3'000'000; ++i) arrivals.pop();
  CHECK(std::chrono::abs(arrivals.next() - begin - 1'000'000s) <= 1us);
}

TEST_CASE("threads of one rate take turns by their offsets", "[load]") {
  const Instant begin{1h};
  Arrivals first(ArrivalKind::kConstant, 50, begin, 0ns, 1);
  Arrivals second(ArrivalKind::kConstant, 50, begin, 10ms, 1);
  for (int i = 0; i < 10; ++i) {
    CHECK(second.next() - first.next() == 10ms);
    first.pop();
    second.pop();
  }
}

TEST_CASE("given times are shared out over threads, and end", "[load]") {
  const Instant begin{1h};
  const std::vector<Duration> times{0ns, 5ms, 7ms, 30ms, 31ms};
  Arrivals odd(times, 1, 2, begin);
  CHECK(odd.next() == begin + 5ms);
  odd.pop();
  CHECK(odd.next() == begin + 30ms);
  odd.pop();
  CHECK(odd.next() == Instant::max());
  CHECK(Arrivals(times, 9, 2, begin).next() == Instant::max());
}

TEST_CASE("Poisson arrivals have the mean and the deviation of their kind, and repeat with their seed", "[load]") {
  const Instant begin{1h};
  Arrivals arrivals(ArrivalKind::kPoisson, 1000, begin, 0ns, 42);
  Arrivals again(ArrivalKind::kPoisson, 1000, begin, 0ns, 42);
  constexpr int kCount = 100'000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kCount; ++i) {
    const Instant before = arrivals.next();
    arrivals.pop();
    again.pop();
    const double gap = std::chrono::duration<double, std::milli>(arrivals.next() - before).count();
    REQUIRE(gap >= 0);
    sum += gap;
    squares += gap * gap;
  }
  CHECK(arrivals.next() == again.next());
  CHECK(sum / kCount == Approx(1).epsilon(0.02));
  CHECK(squares / kCount - 1 == Approx(1).epsilon(0.05));
}
