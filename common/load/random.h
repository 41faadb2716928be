// Random: a small, quick generator for load (splitmix64), the same sequence for the same seed. One thread.
#pragma once

#include <cstdint>

namespace rpx::load {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t out = state_;
    out = (out ^ (out >> 30)) * 0xbf58476d1ce4e5b9U;
    out = (out ^ (out >> 27)) * 0x94d049bb133111ebU;
    return out ^ (out >> 31);
  }
  /// 0 or more, below 1.
  double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Below `bound`, which is above 0.
  std::uint64_t below(std::uint64_t bound) noexcept {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }

 private:
  std::uint64_t state_;
};

}  // namespace rpx::load
