#include "balance/least_connections.h"

namespace rpx::balance {

void LeastConnections::reset(std::size_t count, std::uint64_t seed) { turns_.reset(count, seed); }

std::optional<std::size_t> LeastConnections::pick(std::span<const Endpoint> endpoints, std::uint64_t) {
  const Endpoint* least = nullptr;
  const auto load = [](const Endpoint& one, const Endpoint& other) { return std::uint64_t{one.active} * other.weight; };
  for (const Endpoint& endpoint : endpoints)
    if (endpoint.usable && (!least || load(endpoint, *least) < load(*least, endpoint))) least = &endpoint;
  if (!least) return std::nullopt;
  equal_.assign(endpoints.begin(), endpoints.end());
  for (Endpoint& endpoint : equal_)
    endpoint.usable = endpoint.usable && load(endpoint, *least) == load(*least, endpoint);
  return turns_.pick(equal_);
}

}  // namespace rpx::balance
