// The server with the fewest requests in progress for its weight, over all workers; of equal ones each in turn by
// weight. One thread.
#pragma once

#include <vector>

#include "balance/policy.h"
#include "balance/round_robin.h"

namespace rpx::balance {

class LeastConnections final : public Policy {
 public:
  std::optional<std::size_t> pick(std::span<const Endpoint> endpoints, std::uint64_t key) override;
  void reset(std::size_t count, std::uint64_t seed) override;

 private:
  RoundRobin turns_;
  std::vector<Endpoint> equal_;  // scratch of pick(): only the least busy are usable
};

}  // namespace rpx::balance
