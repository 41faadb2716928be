// The same server for the same client address, by rendezvous hashing with weights. One thread.
#pragma once

#include "balance/policy.h"
#include "balance/random.h"

namespace rpx::balance {

class IpHash final : public Policy {
 public:
  std::optional<std::size_t> pick(std::span<const Endpoint> endpoints, std::uint64_t key) override;
  void reset(std::size_t count, std::uint64_t seed) override;

 private:
  Random random_;  // for requests without a key
};

}  // namespace rpx::balance
