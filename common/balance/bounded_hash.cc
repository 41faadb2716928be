#include "balance/bounded_hash.h"

#include <algorithm>
#include <cmath>

#include "balance/rendezvous.h"

namespace rpx::balance {
namespace {

// How far above its share an endpoint may be. Lower spreads a popular value sooner, and moves more values.
constexpr double kBound = 1.25;
// So few at once overload nobody: a value keeps its endpoint, whatever the shares are.
constexpr double kFew = 4;

}  // namespace

void BoundedHash::reset(std::size_t, std::uint64_t seed) { random_ = Random(seed); }

std::optional<std::size_t> BoundedHash::pick(std::span<const Endpoint> endpoints, std::uint64_t key) {
  if (key == 0) key = random_.next();
  double active = 1;  // with the request that is to be placed
  double weight = 0;
  for (const Endpoint& endpoint : endpoints) {
    if (!endpoint.usable) continue;
    active += endpoint.active;
    weight += endpoint.weight;
  }
  std::optional<std::size_t> best;
  double best_score = 0;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const Endpoint& endpoint = endpoints[i];
    // The bounds add up to more than what is in progress, so that one endpoint always has room.
    const double bound = std::max(kFew, std::ceil(kBound * active * endpoint.weight / weight));
    if (!endpoint.usable || endpoint.active + 1.0 > bound) continue;
    const double score = rendezvous_score(endpoint, key);
    if (best && score <= best_score) continue;
    best = i;
    best_score = score;
  }
  return best;
}

}  // namespace rpx::balance
