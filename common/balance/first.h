// The heaviest server, and of equal ones the first in the file: the others are used when it cannot take more, so
// that a small load stays on few servers. One thread; no state.
#pragma once

#include "balance/policy.h"

namespace rpx::balance {

class First final : public Policy {
 public:
  std::optional<std::size_t> pick(std::span<const Endpoint> endpoints, std::uint64_t key) override;
  void reset(std::size_t count, std::uint64_t seed) override;
};

}  // namespace rpx::balance
