// Smooth weighted round robin: over any stretch of requests each endpoint gets its share by weight, and heavy
// ones are interleaved with light ones instead of being hit in bursts. One thread.
#pragma once

#include <vector>

#include "balance/policy.h"

namespace rpx::balance {

class RoundRobin final : public Policy {
 public:
  std::optional<std::size_t> pick(std::span<const Endpoint> endpoints, std::uint64_t key = 0) override;
  void reset(std::size_t count, std::uint64_t seed) override;

 private:
  std::vector<std::int64_t> credit_;
  std::size_t start_ = 0;  // ties go to the first from here, so that workers begin at different servers
};

}  // namespace rpx::balance
