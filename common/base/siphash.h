// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash of texts that strangers choose. Who does not know the key cannot
// find two that collide. Pure, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rpx {

using SipKey = std::array<std::uint64_t, 2>;

/// A key from the kernel's random numbers.
SipKey random_sip_key();
std::uint64_t siphash(const SipKey& key, std::string_view text) noexcept;

}  // namespace rpx
