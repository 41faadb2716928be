#include "balance/ip_hash.h"

#include "balance/rendezvous.h"

namespace rpx::balance {

void IpHash::reset(std::size_t, std::uint64_t seed) { random_ = Random(seed); }

std::optional<std::size_t> IpHash::pick(std::span<const Endpoint> endpoints, std::uint64_t key) {
  if (key == 0) key = random_.next();
  std::optional<std::size_t> best;
  double best_score = 0;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    if (!endpoints[i].usable) continue;
    const double score = rendezvous_score(endpoints[i], key);
    if (best && score <= best_score) continue;
    best = i;
    best_score = score;
  }
  return best;
}

}  // namespace rpx::balance
