// Reasons as numbers: where lifetimes are from is one of a few texts, and an entry keeps a byte for it. Any thread.
#pragma once

#include <cstdint>

#include "cache/freshness.h"

namespace rpx::cache {

/// The number of `reason`, whose texts are static; the same for the same texts. There are 255; of more than those
/// nothing is known (0).
std::uint8_t number_of(const Reason& reason);
Reason reason_of(std::uint8_t number) noexcept;

}  // namespace rpx::cache
