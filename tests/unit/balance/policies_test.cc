// What the policies promise, held against many choices: shares by weight, loads, and how little moves.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "balance/latency.h"
#include "balance/policy.h"
#include "balance/random.h"

namespace rpx::balance {
namespace {

std::vector<Endpoint> weighted(const std::vector<std::uint32_t>& weights) {
  std::vector<Endpoint> out;
  for (std::size_t i = 0; i < weights.size(); ++i)
    out.push_back({.weight = weights[i], .id = hash_of("http://server-" + std::to_string(i))});
  return out;
}

std::vector<std::uint32_t> random_weights(std::mt19937& random) {
  std::vector<std::uint32_t> weights(2 + random() % 7);
  for (auto& weight : weights) weight = 1 + static_cast<std::uint32_t>(random() % 12);
  return weights;
}

std::unique_ptr<Policy> ready(std::string_view name, std::size_t count, std::uint64_t seed = 1) {
  auto policy = make_policy(name);
  REQUIRE(policy);
  policy->reset(count, seed);
  return policy;
}

// Pearson's chi-squared of what was counted against shares by weight.
double chi_squared(const std::vector<std::size_t>& counts, const std::vector<Endpoint>& endpoints) {
  double weights = 0;
  for (const Endpoint& endpoint : endpoints) weights += endpoint.weight;
  const auto all = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
  double out = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = all * endpoints[i].weight / weights;
    out += std::pow(static_cast<double>(counts[i]) - expected, 2) / expected;
  }
  return out;
}

TEST_CASE("policies: over idle servers every weight gets its share", "[balance]") {
  // least_time and first prefer somebody on purpose.
  const std::string name = GENERATE("round_robin", "least_connections", "random_two", "ip_hash", "hash");
  std::mt19937 random(11);
  for (int round = 0; round < 12; ++round) {
    const auto endpoints = weighted(random_weights(random));
    const auto policy = ready(name, endpoints.size(), random());
    std::vector<std::size_t> counts(endpoints.size());
    for (std::uint64_t i = 1; i <= 20'000; ++i) ++counts[policy->pick(endpoints, mix(i)).value()];
    CAPTURE(name, round, counts);
    // At most seven degrees of freedom: 33 is passed by chance once in 40,000 times.
    CHECK(chi_squared(counts, endpoints) < 33);
  }
}

TEST_CASE("policies: under load what is in progress is shared by weight", "[balance]") {
  const std::string name = GENERATE("least_connections", "least_time", "random_two", "hash");
  std::mt19937 random(5);
  for (int round = 0; round < 10; ++round) {
    auto endpoints = weighted(random_weights(random));
    const auto policy = ready(name, endpoints.size(), random());
    double weights = 0;
    for (const Endpoint& endpoint : endpoints) weights += endpoint.weight;
    constexpr std::uint32_t kRequests = 4000;
    for (std::uint32_t i = 1; i <= kRequests; ++i) ++endpoints[policy->pick(endpoints, mix(i)).value()].active;
    for (const Endpoint& endpoint : endpoints) {
      CAPTURE(name, round, endpoint.weight, endpoint.active);
      const double share = kRequests * endpoint.weight / weights;
      CHECK(endpoint.active == Approx(share)
                                   .epsilon(name == "hash"         ? 0.26
                                            : name == "random_two" ? 0.1
                                                                   : 0.02)
                                   .margin(4));
    }
  }
}

TEST_CASE("policies: many workers that see the same loads do not fall upon one server", "[balance]") {
  const std::string name = GENERATE("least_connections", "least_time", "random_two");
  constexpr std::size_t kServers = 8;
  auto endpoints = weighted(std::vector<std::uint32_t>(kServers, 1));
  std::vector<std::unique_ptr<Policy>> workers;
  for (std::uint64_t seed = 0; seed < 8; ++seed) workers.push_back(ready(name, kServers, seed));
  // All choose before anybody's choice is seen: the worst that shared counters leave.
  std::vector<std::size_t> counts(kServers);
  for (const auto& worker : workers) ++counts[worker->pick(endpoints).value()];
  CAPTURE(name);
  CHECK(*std::ranges::max_element(counts) <= (name == "random_two" ? 4U : 1U));
}

TEST_CASE("policies: what cannot be used is never chosen, the last one always is", "[balance]") {
  std::mt19937 random(3);
  for (const PolicyRow& row : policies()) {
    for (int round = 0; round < 200; ++round) {
      auto endpoints = weighted(random_weights(random));
      bool any = false;
      for (Endpoint& endpoint : endpoints) {
        endpoint.usable = random() % 3 == 0;
        endpoint.active = static_cast<std::uint32_t>(random() % 50);
        endpoint.latency = static_cast<float>(random() % 3) / 10;
        endpoint.age = static_cast<float>(random() % 100);
        any |= endpoint.usable;
      }
      const auto policy = ready(row.name, endpoints.size(), random());
      const auto got = policy->pick(endpoints, random());
      CAPTURE(row.name, round);
      REQUIRE(got.has_value() == any);
      if (got) CHECK(endpoints[*got].usable);
    }
    CHECK_FALSE(ready(row.name, 0)->pick({}, 1));
  }
}

TEST_CASE("policies: hashing keeps every value where it is, whatever the worker", "[balance]") {
  const std::string name = GENERATE("ip_hash", "hash");
  const auto endpoints = weighted({1, 4, 2, 1});
  const auto one = ready(name, 4, 1);
  const auto other = ready(name, 4, 99);
  for (std::uint64_t key = 1; key < 500; ++key) {
    const auto at = one->pick(endpoints, mix(key));
    CHECK(at == other->pick(endpoints, mix(key)));
    CHECK(at == one->pick(endpoints, mix(key)));
  }
  // A request without a value goes anywhere.
  std::vector<std::size_t> counts(4);
  for (int i = 0; i < 8000; ++i) ++counts[one->pick(endpoints, 0).value()];
  CHECK(chi_squared(counts, endpoints) < 27);
}

TEST_CASE("policies: when a server leaves only its own values move", "[balance]") {
  const std::string name = GENERATE("ip_hash", "hash");
  const bool removed = GENERATE(false, true);  // taken out of the list, or just not usable
  constexpr std::size_t kServers = 10;
  constexpr std::uint64_t kKeys = 20'000;
  const auto before = weighted(std::vector<std::uint32_t>(kServers, 1));
  for (std::size_t gone = 0; gone < kServers; gone += 3) {
    auto after = before;
    if (removed)
      after.erase(after.begin() + static_cast<std::ptrdiff_t>(gone));
    else
      after[gone].usable = false;
    const auto policy = ready(name, kServers);
    std::size_t moved = 0;
    for (std::uint64_t key = 1; key <= kKeys; ++key) {
      const std::uint64_t was = before[policy->pick(before, mix(key)).value()].id;
      const std::uint64_t is = after[policy->pick(after, mix(key)).value()].id;
      if (was == is) continue;
      ++moved;
      CHECK(was == before[gone].id);
    }
    CAPTURE(name, gone, moved);
    CHECK(static_cast<double>(moved) <= kKeys * 1.1 / kServers);
  }
}

TEST_CASE("hash: no server with more than a few is more than a quarter above its share, one value or not",
          "[balance]") {
  std::mt19937 random(17);
  for (int round = 0; round < 20; ++round) {
    auto endpoints = weighted(random_weights(random));
    const auto policy = ready("hash", endpoints.size());
    double weights = 0;
    for (const Endpoint& endpoint : endpoints) weights += endpoint.weight;
    const bool one_value = round % 2 == 0;
    for (std::uint32_t all = 1; all <= 2000; ++all) {
      Endpoint& chosen = endpoints[policy->pick(endpoints, one_value ? 42 : mix(all % 7 + 1)).value()];
      ++chosen.active;
      REQUIRE(chosen.active <= std::max(4.0, std::ceil(1.25 * all * chosen.weight / weights)));
    }
  }
}

TEST_CASE("hash: a value comes home once its server has room again", "[balance]") {
  auto endpoints = weighted({1, 1, 1});
  const auto policy = ready("hash", 3);
  const std::size_t home = policy->pick(endpoints, 42).value();
  endpoints[home].active = 10;
  CHECK(policy->pick(endpoints, 42).value() != home);
  endpoints[home].active = 0;
  CHECK(policy->pick(endpoints, 42).value() == home);
}

TEST_CASE("least_time: quick servers get more, unknown ones are tried and not overrun", "[balance]") {
  auto endpoints = weighted({1, 1, 1});
  endpoints[0].latency = 0.010F;
  endpoints[1].latency = 0.040F;
  const auto policy = ready("least_time", 3);
  for (int i = 0; i < 90; ++i) ++endpoints[policy->pick(endpoints).value()].active;
  CHECK(endpoints[0].active == Approx(40).margin(1));
  CHECK(endpoints[1].active == Approx(10).margin(1));
  CHECK(endpoints[2].active == Approx(40).margin(1));  // as quick as the best, until it tells otherwise
}

TEST_CASE("least_time: a server that was slow is asked again after a while", "[balance]") {
  auto endpoints = weighted({1, 1});
  endpoints[0].latency = 0.010F;
  endpoints[1].latency = 5;
  endpoints[0].active = 3;
  const auto policy = ready("least_time", 2);
  CHECK(policy->pick(endpoints) == 0U);
  endpoints[1].age = 60;
  CHECK(policy->pick(endpoints) == 1U);
  endpoints[1].active = 4;
  CHECK(policy->pick(endpoints) == 0U);
}

TEST_CASE("first: the heaviest, the first of these, and the next one without it", "[balance]") {
  auto endpoints = weighted({1, 3, 3, 2});
  const auto policy = ready("first", 4);
  for (const std::size_t expected : {1U, 2U, 3U, 0U}) {
    for (int i = 0; i < 3; ++i) CHECK(policy->pick(endpoints) == expected);
    endpoints[expected].usable = false;
  }
}

TEST_CASE("latency: jumps up at once, comes down over seconds", "[balance]") {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  Latency latency;
  const Instant start{seconds(5000)};
  CHECK(latency.average() == 0);
  latency.learn(milliseconds(10), start);
  CHECK(latency.average() == Approx(0.010));
  latency.learn(milliseconds(900), start + seconds(1));
  CHECK(latency.average() == Approx(0.9));
  latency.learn(milliseconds(10), start + seconds(1));
  CHECK(latency.average() == Approx(0.9));  // one quick reply right after proves little
  latency.learn(milliseconds(10), start + seconds(11));
  CHECK(latency.average() == Approx(0.010 + 0.89 * std::exp(-1.0)).epsilon(0.001));
  CHECK(latency.age(start + seconds(13)) == Approx(2));
  CHECK(latency.age(start) == 0);
  latency.learn(Duration::zero(), start + seconds(500));
  CHECK(latency.average() > 0);  // known, if quick beyond measure
}

}  // namespace
}  // namespace rpx::balance
