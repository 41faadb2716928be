#include "load/histogram.h"

#include <catch2/catch.hpp>

using rpx::load::CoarseHistogram;
using rpx::load::Histogram;

TEST_CASE("a histogram knows every value to one part in a thousand", "[load]") {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 41); value = value * 17 / 16 + 1) {
    Histogram one;
    one.record(value);
    one.record(2 * value + 2);
    const auto found = static_cast<double>(one.percentile(50));
    CHECK(std::abs(found - static_cast<double>(value)) <= static_cast<double>(value) * 0.001);
    std::uint64_t first = 0;
    one.for_each([&first](std::uint64_t at, std::uint64_t) { first = first == 0 ? at : first; });
    CHECK(std::abs(static_cast<double>(first) - static_cast<double>(value)) <= static_cast<double>(value) * 0.001);
  }
}

TEST_CASE("percentiles are ranks: of 1 to 1000 the 99th is 990", "[load]") {
  Histogram times;
  for (std::uint64_t i = 1000; i > 0; --i) times.record(i);
  CHECK(times.percentile(0) == 1);
  CHECK(times.percentile(50) == 500);
  CHECK(times.percentile(99) == 990);
  CHECK(times.percentile(99.9) == 999);
  CHECK(times.percentile(100) == 1000);
  CHECK(times.mean() == Approx(500.5));
  CHECK(times.deviation() == Approx(288.67).epsilon(0.001));
  CHECK(times.count_to(250) == 250);
}

TEST_CASE("an empty histogram gives zeros", "[load]") {
  const Histogram none;
  CHECK(none.percentile(99) == 0);
  CHECK(none.min() == 0);
  CHECK(none.max() == 0);
  CHECK(none.mean() == 0);
  CHECK(none.count_to(5) == 0);
}

TEST_CASE("merged histograms are as if one had seen everything", "[load]") {
  Histogram left;
  Histogram right;
  Histogram both;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const std::uint64_t value = (i * 7919) % 1000003;
    (i % 3 == 0 ? left : right).record(value);
    both.record(value);
  }
  left.merge(right);
  left.merge(Histogram{});
  CHECK(left.count() == both.count());
  CHECK(left.min() == both.min());
  CHECK(left.max() == both.max());
  for (const double percent : {1.0, 25.0, 50.0, 99.0, 99.9})
    CHECK(left.percentile(percent) == both.percentile(percent));
}

TEST_CASE("a value beyond all bounds is the last bucket, and its own maximum", "[load]") {
  CoarseHistogram times;
  times.record(~std::uint64_t{0});
  CHECK(times.count() == 1);
  CHECK(times.max() == ~std::uint64_t{0});
  CHECK(times.percentile(50) == ~std::uint64_t{0});
}
