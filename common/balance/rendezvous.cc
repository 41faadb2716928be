#include "balance/rendezvous.h"

#include <cmath>

#include "balance/random.h"

namespace rpx::balance {

// Of draws that are exponential with rate `weight` the least belongs to an endpoint with probability weight / sum.
double rendezvous_score(const Endpoint& endpoint, std::uint64_t key) noexcept {
  const std::uint64_t bits = mix(key ^ mix(endpoint.id)) >> 11;
  const double uniform = (static_cast<double>(bits) + 0.5) * 0x1p-53;
  return std::log(uniform) / endpoint.weight;
}

}  // namespace rpx::balance
