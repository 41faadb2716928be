// Rendezvous hashing with weights: every endpoint draws a score for a key, the best one has it. When an endpoint
// goes only its own keys move, and each finds the same new place whoever looks. Pure, any thread.
#pragma once

#include <cstdint>

#include "balance/policy.h"

namespace rpx::balance {

/// The draw of `endpoint` for `key`; the larger one wins. Over many keys each wins its share by weight.
double rendezvous_score(const Endpoint& endpoint, std::uint64_t key) noexcept;

}  // namespace rpx::balance
