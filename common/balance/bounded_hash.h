// `hash`: the same server for the same value, but none takes more than a quarter above its share of what is in
// progress: what a popular value has too much goes where that value would go next. One thread.
#pragma once

#include "balance/policy.h"
#include "balance/random.h"

namespace rpx::balance {

class BoundedHash final : public Policy {
 public:
  std::optional<std::size_t> pick(std::span<const Endpoint> endpoints, std::uint64_t key) override;
  void reset(std::size_t count, std::uint64_t seed) override;

 private:
  Random random_;  // for requests without a key
};

}  // namespace rpx::balance
