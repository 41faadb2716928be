// Small random numbers for choices that need to be fair, not secret; and the mixing of bits that hashing policies
// share. Called by the policies and by whoever makes their keys. Any thread, one owner each.
#pragma once

#include <cstdint>
#include <string_view>

namespace rpx::balance {

/// Spreads the bits of `x` over the whole word, one to one.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9U;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// The key of `text`; the same in every process and version. Never 0, which says that there is no key.
constexpr std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a, 64 bits
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  hash = mix(hash);
  return hash == 0 ? 1 : hash;
}

/// A sequence of random numbers.
class Random {
 public:
  explicit Random(std::uint64_t seed = 0) noexcept : state_(seed) {}
  std::uint64_t next() noexcept { return mix(state_ += 0x9e3779b97f4a7c15U); }
  /// Below `bound`, which is not 0.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace rpx::balance
