#include "balance/first.h"

namespace rpx::balance {

void First::reset(std::size_t, std::uint64_t) {}

std::optional<std::size_t> First::pick(std::span<const Endpoint> endpoints, std::uint64_t) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < endpoints.size(); ++i)
    if (endpoints[i].usable && (!best || endpoints[i].weight > endpoints[*best].weight)) best = i;
  return best;
}

}  // namespace rpx::balance
