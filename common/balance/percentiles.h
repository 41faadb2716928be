// How long most of the things take that are timed: a histogram of durations, four buckets for each doubling, whose past
// fades as the present comes in. A kilobyte and no allocation. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include "base/units.h"

namespace rpx::balance {

class Percentiles {
 public:
  void add(Duration took) noexcept {
    ++counts_[bucket_of(took)];
    // What was seen long ago counts for half, and then for less.
    if (++total_ < kMost) return;
    total_ = 0;
    for (std::uint32_t& count : counts_) total_ += count /= 2;
  }
  /// A duration that `percent` (0–100) of what was added stayed below, a fifth too long at most; nothing while too
  /// little is known.
  std::optional<Duration> at(std::uint32_t percent) const noexcept {
    if (total_ < kFewest) return std::nullopt;
    const std::uint64_t wanted = (std::uint64_t{total_} * percent + 99) / 100;
    std::uint64_t below = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket)
      if ((below += counts_[bucket]) >= wanted) return end_of(bucket);
    return end_of(counts_.size() - 1);
  }

 private:
  static constexpr std::uint32_t kMost = 4000;
  static constexpr std::uint32_t kFewest = 100;
  static constexpr std::size_t kBuckets = 25 * 4;  // of microseconds: up to two minutes

  static std::size_t bucket_of(Duration took) noexcept {
    const auto us = static_cast<std::uint64_t>(
        std::max<std::int64_t>(4, std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    const auto octave = static_cast<std::size_t>(std::bit_width(us) - 1);
    const std::size_t quarter = (us >> (octave - 2)) & 3;
    return std::min((octave - 2) * 4 + quarter, kBuckets - 1);
  }
  static Duration end_of(std::size_t bucket) noexcept {
    const std::uint64_t quarter = std::uint64_t{1} << (bucket / 4);
    return std::chrono::microseconds((bucket % 4 + 5) * quarter);
  }

  std::array<std::uint32_t, kBuckets> counts_{};
  std::uint32_t total_ = 0;
};

}  // namespace rpx::balance
