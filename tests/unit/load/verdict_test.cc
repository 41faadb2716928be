#include "load/verdict.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "load/random.h"

using rpx::load::Change;
using rpx::load::compare_groups;
using rpx::load::compare_pairs;
using rpx::load::Random;

namespace {

// About normal, mean 0, deviation 1.
double noise(Random& random) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += random.unit();
  return sum - 6;
}

std::vector<double> samples(Random& random, double mean, double deviation, int count = 10) {
  std::vector<double> out;
  for (int i = 0; i < count; ++i) out.push_back(mean * (1 + deviation * noise(random)));
  return out;
}

}  // namespace

TEST_CASE("the same against itself is no change in at least 95 of 100", "[load]") {
  Random random(7);
  int same = 0;
  for (int i = 0; i < 1000; ++i)
    same += compare_pairs("rps", false, samples(random, 1000, 0.03), samples(random, 1000, 0.03), {}).verdict ==
                    Change::kSame
                ? 1
                : 0;
  CHECK(same >= 950);
}

TEST_CASE("ten percent more or less is found, and in the right direction", "[load]") {
  Random random(9);
  for (int i = 0; i < 100; ++i) {
    CHECK(compare_pairs("rps", false, samples(random, 1000, 0.03), samples(random, 900, 0.03), {}).verdict ==
          Change::kWorse);
    CHECK(compare_groups("p99", true, samples(random, 1e6, 0.03), samples(random, 1.1e6, 0.03), {}).verdict ==
          Change::kWorse);
    CHECK(compare_groups("p99", true, samples(random, 1.1e6, 0.03), samples(random, 1e6, 0.03), {}).verdict ==
          Change::kBetter);
  }
}

TEST_CASE("a few disturbed pairs neither hide a change nor make one up", "[load]") {
  Random random(17);
  int same = 0;
  int worse = 0;
  for (int i = 0; i < 200; ++i) {
    std::vector<double> before = samples(random, 1e6, 0.03, 20);
    std::vector<double> after = samples(random, 1e6, 0.03, 20);
    std::vector<double> slower = samples(random, 1.1e6, 0.03, 20);
    for (const std::size_t at : {3U, 11U}) {
      before[at] *= 4;
      after[at + 1] *= 3;
      slower[at + 2] *= 5;
    }
    same += compare_pairs("p99", true, before, after, {}).verdict == Change::kSame ? 1 : 0;
    worse += compare_pairs("p99", true, before, slower, {}).verdict == Change::kWorse ? 1 : 0;
  }
  CHECK(same >= 190);
  CHECK(worse >= 190);
}

TEST_CASE(
    "the interval of ten pairs leaves out the three lowest and highest means of two, as the tables of the test say",
    "[load]") {
  std::vector<double> before(10, 1);
  std::vector<double> after;
  for (int i = 1; i <= 10; ++i) after.push_back(std::exp(0.01 * i));
  const auto found = compare_pairs("rps", false, before, after, {});
  CHECK(std::log1p(found.change) == Approx(0.055));
  CHECK(std::log1p(found.low) == Approx(0.02));  // of 0.01, 0.015, 0.02, 0.02
  CHECK(std::log1p(found.high) == Approx(0.09));
}

TEST_CASE("what is noisy or too short is said to be so", "[load]") {
  Random random(11);
  int unclear = 0;
  for (int i = 0; i < 100; ++i)
    unclear += compare_groups("p99", true, samples(random, 1e6, 0.3, 6), samples(random, 1e6, 0.3, 6), {}).verdict ==
                       Change::kUnclear
                   ? 1
                   : 0;
  CHECK(unclear > 70);
  CHECK(compare_pairs("rps", false, {1, 2}, {1, 2}, {}).verdict == Change::kUnclear);
}

TEST_CASE("what disturbs both of a pair cancels out", "[load]") {
  std::vector<double> before;
  std::vector<double> after;
  for (int i = 0; i < 8; ++i) {
    before.push_back(1000 + 200 * (i % 3));
    after.push_back(before.back() * 0.95);
  }
  const auto paired = compare_pairs("rps", false, before, after, {});
  CHECK(paired.verdict == Change::kWorse);
  CHECK(paired.change == Approx(-0.05));
  CHECK(rpx::load::overall({paired}) == Change::kWorse);
  CHECK(rpx::load::to_text({paired}).find("worse") != std::string::npos);
}

TEST_CASE("runs are compared moment by moment", "[load]") {
  Random random(13);
  const auto run = [&random](double rps) {
    rpx::load::Summary out;
    for (int i = 0; i < 10; ++i) {
      auto& slot = out.tally.series.emplace_back();
      slot.requests = static_cast<std::uint64_t>(rps * (1 + 0.01 * noise(random)));
      slot.latency.record(static_cast<std::uint64_t>(1e9 / rps), 100);
    }
    return out;
  };
  const auto slower = compare_runs(run(10000), run(8000), {});
  REQUIRE(slower.size() == 3);
  CHECK(overall(slower) == Change::kWorse);
  CHECK(to_json(slower).starts_with("{\"schema\":\"rpx-bench-comparison/1\",\"verdict\":\"worse\""));
  CHECK(overall(compare_runs(run(10000), run(10000), {})) == Change::kSame);
}
