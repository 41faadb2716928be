// The server whose reply is expected soonest: how long its replies take (a moving average that jumps up at once and
// comes down slowly), times the requests it has in progress over all workers, for its weight. One thread.
#pragma once

#include <vector>

#include "balance/policy.h"
#include "balance/round_robin.h"

namespace rpx::balance {

class LeastTime final : public Policy {
 public:
  std::optional<std::size_t> pick(std::span<const Endpoint> endpoints, std::uint64_t key) override;
  void reset(std::size_t count, std::uint64_t seed) override;

 private:
  RoundRobin turns_;
  std::vector<Endpoint> equal_;  // scratch of pick(): only the best are usable
  std::vector<double> costs_;    // scratch of pick()
};

}  // namespace rpx::balance
