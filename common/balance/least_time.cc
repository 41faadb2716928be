#include "balance/least_time.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "balance/latency.h"

namespace rpx::balance {

void LeastTime::reset(std::size_t count, std::uint64_t seed) { turns_.reset(count, seed); }

std::optional<std::size_t> LeastTime::pick(std::span<const Endpoint> endpoints, std::uint64_t) {
  double quickest = std::numeric_limits<double>::infinity();
  for (const Endpoint& endpoint : endpoints)
    if (endpoint.usable && endpoint.latency > 0) quickest = std::min(quickest, double{endpoint.latency});
  if (std::isinf(quickest)) quickest = 1;
  costs_.assign(endpoints.size(), std::numeric_limits<double>::infinity());
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const Endpoint& endpoint = endpoints[i];
    if (!endpoint.usable) continue;
    // What was learned long ago counts less and less, or a server once slow would never be asked again. But one of
    // which little is known is held to be as quick as the best, no quicker: it is tried, not overrun.
    const double latency = std::max(quickest, endpoint.latency * std::exp(-double{endpoint.age} / kLatencyMemory));
    costs_[i] = latency * (endpoint.active + 1.0) / endpoint.weight;
    least = std::min(least, costs_[i]);
  }
  if (std::isinf(least)) return std::nullopt;
  equal_.assign(endpoints.begin(), endpoints.end());
  for (std::size_t i = 0; i < endpoints.size(); ++i) equal_[i].usable = costs_[i] <= least;
  return turns_.pick(equal_);
}

}  // namespace rpx::balance
