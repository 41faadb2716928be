#include "balance/policy.h"

#include <array>

#include "balance/bounded_hash.h"
#include "balance/first.h"
#include "balance/ip_hash.h"
#include "balance/least_connections.h"
#include "balance/least_time.h"
#include "balance/random_two.h"
#include "balance/round_robin.h"

namespace rpx::balance {
namespace {

template <class P>
std::unique_ptr<Policy> make() {
  return std::make_unique<P>();
}

constexpr std::array<PolicyRow, 7> kPolicies{{
    {"round_robin", "each in turn, by weight, evenly mixed", Wants::kNothing, &make<RoundRobin>},
    {"least_connections", "the fewest requests in progress for its weight", Wants::kLoad, &make<LeastConnections>},
    {"least_time", "the quickest replies, times requests in progress", Wants::kLatency, &make<LeastTime>},
    {"random_two", "the less busy of two taken at random", Wants::kLoad, &make<RandomTwo>},
    {"ip_hash", "always the same for a client's address", Wants::kAddress, &make<IpHash>},
    {"hash", "always the same for a value, unless it is overloaded", Wants::kTemplate, &make<BoundedHash>},
    {"first", "the heaviest, the first of these: the others when it cannot", Wants::kNothing, &make<First>},
}};

}  // namespace

std::span<const PolicyRow> policies() noexcept { return kPolicies; }

Wants wants_of(std::string_view name) noexcept {
  for (const PolicyRow& row : kPolicies)
    if (row.name == name) return row.wants;
  return Wants::kNothing;
}

std::unique_ptr<Policy> make_policy(std::string_view name) {
  for (const PolicyRow& row : kPolicies)
    if (row.name == name) return row.make();
  return nullptr;
}

}  // namespace rpx::balance
