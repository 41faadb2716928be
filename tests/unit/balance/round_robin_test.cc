#include "balance/round_robin.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace rpx::balance {
namespace {

std::vector<Endpoint> weighted(const std::vector<std::uint32_t>& weights) {
  std::vector<Endpoint> out;
  for (const std::uint32_t weight : weights) out.push_back({.weight = weight});
  return out;
}

std::vector<std::size_t> picks(Policy& policy, std::span<const Endpoint> endpoints, std::size_t count) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(policy.pick(endpoints).value());
  return out;
}

TEST_CASE("round robin: equal weights take turns, from where the seed says", "[balance]") {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    RoundRobin policy;
    policy.reset(3, seed);
    const auto endpoints = weighted({1, 1, 1});
    const auto got = picks(policy, endpoints, 9);
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == (seed + i) % 3);
  }
}

TEST_CASE("round robin: heavy and light servers are mixed evenly", "[balance]") {
  RoundRobin policy;
  policy.reset(3, 0);
  const auto endpoints = weighted({5, 1, 1});
  CHECK(picks(policy, endpoints, 7) == std::vector<std::size_t>{0, 0, 1, 0, 2, 0, 0});
}

TEST_CASE("round robin: over each full turn every server has exactly its share", "[balance]") {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint32_t> weights(1 + random() % 8);
    for (auto& weight : weights) weight = 1 + static_cast<std::uint32_t>(random() % 20);
    const std::size_t turn = std::accumulate(weights.begin(), weights.end(), std::size_t{0});
    const auto endpoints = weighted(weights);
    RoundRobin policy;
    policy.reset(weights.size(), random());
    for (int repeat = 0; repeat < 2; ++repeat) {
      const auto got = picks(policy, endpoints, turn);
      for (std::size_t i = 0; i < weights.size(); ++i) {
        CAPTURE(round, i, weights);
        CHECK(std::ranges::count(got, i) == static_cast<std::ptrdiff_t>(weights[i]));
      }
    }
  }
}

TEST_CASE("round robin: at any moment a server is near its share", "[balance]") {
  const std::vector<std::uint32_t> weights{10, 4, 3, 2, 1};
  const auto endpoints = weighted(weights);
  RoundRobin policy;
  policy.reset(weights.size(), 3);
  std::vector<double> had(weights.size());
  for (int i = 1; i <= 200; ++i) {
    ++had[policy.pick(endpoints).value()];
    for (std::size_t k = 0; k < weights.size(); ++k)
      CHECK(std::abs(had[k] - static_cast<double>(i) * weights[k] / 20.0) < 2.0);
  }
}

TEST_CASE("round robin: servers that cannot be used are passed over", "[balance]") {
  RoundRobin policy;
  policy.reset(3, 0);
  auto endpoints = weighted({1, 3, 1});
  endpoints[1].usable = false;
  const auto got = picks(policy, endpoints, 10);
  CHECK(std::ranges::count(got, std::size_t{0}) == 5);
  CHECK(std::ranges::count(got, std::size_t{2}) == 5);
  // One that comes back gets its share, and no more for the time it was away.
  endpoints[1].usable = true;
  const auto after = picks(policy, endpoints, 10);
  CHECK(std::ranges::count(after, std::size_t{1}) == 6);
  for (auto& endpoint : endpoints) endpoint.usable = false;
  CHECK_FALSE(policy.pick(endpoints));
  CHECK_FALSE(policy.pick({}));
}

TEST_CASE("policies: every row makes one by its name", "[balance]") {
  REQUIRE_FALSE(policies().empty());
  for (const PolicyRow& row : policies()) {
    CHECK_FALSE(row.help.empty());
    const auto policy = make_policy(row.name);
    REQUIRE(policy);
    policy->reset(2, 0);
    CHECK(policy->pick(weighted({1, 1})).has_value());
  }
  CHECK(make_policy("no_such_policy") == nullptr);
}

}  // namespace
}  // namespace rpx::balance
