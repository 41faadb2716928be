#include "balance/random_two.h"

namespace rpx::balance {
namespace {

// The usable endpoint but `without` that holds the `ticket`th of all their weights.
std::size_t holder_of(std::span<const Endpoint> endpoints, std::size_t without, std::uint64_t ticket) noexcept {
  std::size_t last = without;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    if (!endpoints[i].usable || i == without) continue;
    last = i;
    if (ticket < endpoints[i].weight) break;
    ticket -= endpoints[i].weight;
  }
  return last;
}

}  // namespace

void RandomTwo::reset(std::size_t, std::uint64_t seed) { random_ = Random(seed); }

std::optional<std::size_t> RandomTwo::pick(std::span<const Endpoint> endpoints, std::uint64_t) {
  std::uint64_t weights = 0;
  for (const Endpoint& endpoint : endpoints)
    if (endpoint.usable) weights += endpoint.weight;
  if (weights == 0) return std::nullopt;
  const std::size_t one = holder_of(endpoints, endpoints.size(), random_.below(weights));
  if (weights == endpoints[one].weight) return one;
  const std::size_t other = holder_of(endpoints, one, random_.below(weights - endpoints[one].weight));
  const std::uint64_t load = std::uint64_t{endpoints[one].active} * endpoints[other].weight;
  const std::uint64_t other_load = std::uint64_t{endpoints[other].active} * endpoints[one].weight;
  return other_load < load ? other : one;
}

}  // namespace rpx::balance
