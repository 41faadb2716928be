// Histogram: how long many things took, in log-linear buckets as HDR histograms have them: a value is known to one part
// in a thousand whatever its size. Recording costs an increment; memory is taken at the first record. One thread;
// merged when the threads that filled it have ended.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace rpx::load {

/// `Bits` of every value are kept: its error is below one part in 2^(Bits+1).
template <unsigned Bits, class Count>
class LogLinear {
 public:
  /// `value` in nanoseconds; what is above about 73 minutes counts as that.
  void record(std::uint64_t value, std::uint64_t times = 1) {
    if (counts_.empty()) counts_.resize(kBuckets);
    counts_[index_of(value)] += static_cast<Count>(times);
    count_ += times;
    sum_ += static_cast<double>(value) * static_cast<double>(times);
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }
  void merge(const LogLinear& other) {
    if (other.count_ == 0) return;
    if (counts_.empty()) counts_.resize(kBuckets);
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
  }
  std::uint64_t count() const noexcept { return count_; }
  /// 0 where nothing was recorded, as for everything below.
  std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  std::uint64_t max() const noexcept { return max_; }
  double mean() const noexcept { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  double deviation() const {
    if (count_ == 0) return 0;
    double squares = 0;
    for_each([&](std::uint64_t value, std::uint64_t times) {
      const double away = static_cast<double>(value) - mean();
      squares += away * away * static_cast<double>(times);
    });
    return std::sqrt(squares / static_cast<double>(count_));
  }
  /// The value that `percent` (0–100) of all are at or below.
  std::uint64_t percentile(double percent) const noexcept {
    if (count_ == 0) return 0;
    const auto rank = static_cast<std::uint64_t>(std::ceil(percent / 100 * static_cast<double>(count_) - 1e-6));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen >= std::max<std::uint64_t>(rank, 1)) return std::clamp(value_of(i), min_, max_);
    }
    return max_;
  }
  /// How many are at or below `value`, up to the width of its bucket.
  std::uint64_t count_to(std::uint64_t value) const noexcept {
    if (count_ == 0) return 0;
    std::uint64_t seen = 0;
    const std::size_t last = index_of(value);
    for (std::size_t i = 0; i <= last; ++i) seen += counts_[i];
    return seen;
  }
  /// Calls `visit(value, count)` for each bucket that holds something, upwards.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      if (counts_[i] != 0) visit(value_of(i), std::uint64_t{counts_[i]});
  }

  static constexpr std::uint64_t kMost = (std::uint64_t{1} << 42) - 1;

 private:
  static constexpr std::uint64_t kSub = std::uint64_t{1} << Bits;
  static constexpr std::size_t kBuckets = (42 - Bits + 1) * kSub;
  static std::size_t index_of(std::uint64_t value) noexcept {
    value = std::min(value, kMost);
    if (value < 2 * kSub) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - (Bits + 1);
    return static_cast<std::size_t>((std::uint64_t{shift} << Bits) + (value >> shift));
  }
  // The middle of a bucket.
  static std::uint64_t value_of(std::size_t index) noexcept {
    if (index < 2 * kSub) return index;
    const std::uint64_t shift = (index >> Bits) - 1;
    const std::uint64_t low = ((index & (kSub - 1)) | kSub) << shift;
    return low + (std::uint64_t{1} << shift) / 2;
  }

  std::vector<Count> counts_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
  std::uint64_t min_ = ~std::uint64_t{0};
  std::uint64_t max_ = 0;
};

/// Error at most 0.05 %.
using Histogram = LogLinear<10, std::uint64_t>;
/// Error at most 1.6 %; for one moment among many.
using CoarseHistogram = LogLinear<5, std::uint32_t>;

}  // namespace rpx::load
