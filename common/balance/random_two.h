// Two servers at random, by weight, and of these the one with fewer requests in progress for its weight. One thread.
#pragma once

#include "balance/policy.h"
#include "balance/random.h"

namespace rpx::balance {

class RandomTwo final : public Policy {
 public:
  std::optional<std::size_t> pick(std::span<const Endpoint> endpoints, std::uint64_t key) override;
  void reset(std::size_t count, std::uint64_t seed) override;

 private:
  Random random_;
};

}  // namespace rpx::balance
