#include "balance/round_robin.h"

namespace rpx::balance {

void RoundRobin::reset(std::size_t count, std::uint64_t seed) {
  credit_.assign(count, 0);
  start_ = count ? static_cast<std::size_t>(seed % count) : 0;
}

// Each round every usable endpoint earns its weight; the richest is chosen and pays what all have earned.
std::optional<std::size_t> RoundRobin::pick(std::span<const Endpoint> endpoints, std::uint64_t) {
  if (credit_.size() != endpoints.size()) reset(endpoints.size(), start_);
  std::optional<std::size_t> best;
  std::int64_t earned = 0;
  for (std::size_t n = 0; n < endpoints.size(); ++n) {
    const std::size_t i = (start_ + n) % endpoints.size();
    if (!endpoints[i].usable) continue;
    credit_[i] += endpoints[i].weight;
    earned += endpoints[i].weight;
    if (!best || credit_[i] > credit_[*best]) best = i;
  }
  if (best) credit_[*best] -= earned;
  return best;
}

}  // namespace rpx::balance
