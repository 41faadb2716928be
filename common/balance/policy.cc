#include "balance/policy.h"

#include <array>

#include "balance/round_robin.h"

namespace rpx::balance {
namespace {

template <class P>
std::unique_ptr<Policy> make() {
  return std::make_unique<P>();
}

constexpr std::array<PolicyRow, 1> kPolicies{{
    {"round_robin", "each in turn, by weight, evenly mixed", &make<RoundRobin>},
}};

}  // namespace

std::span<const PolicyRow> policies() noexcept { return kPolicies; }

std::unique_ptr<Policy> make_policy(std::string_view name) {
  for (const PolicyRow& row : kPolicies)
    if (row.name == name) return row.make();
  return nullptr;
}

}  // namespace rpx::balance
