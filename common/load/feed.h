// Feed: rows of values for templates, from CSV or JSON lines. Read once, then shared by all threads, which take rows in
// turn or at random. Immutable but for the turn.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rpx::load {

class Feed {
 public:
  /// CSV with a line of names first (RFC 4180), or one JSON object a line, told apart by the first byte. `name` is for
  /// errors: kUsage, "NAME:LINE: …".
  static Result<Feed> parse(std::string_view text, std::string_view name);

  Feed() = default;
  Feed(Feed&& other) noexcept : columns_(std::move(other.columns_)), rows_(std::move(other.rows_)) {}
  Feed& operator=(Feed&& other) noexcept {
    columns_ = std::move(other.columns_);
    rows_ = std::move(other.rows_);
    return *this;
  }

  bool empty() const noexcept { return rows_.empty(); }
  std::size_t size() const noexcept { return rows_.size(); }
  const std::vector<std::string>& columns() const noexcept { return columns_; }
  /// Where `column` stands in a row, or npos.
  std::size_t find(std::string_view column) const noexcept;
  /// The row of the next request; every row once before the first again, over all threads.
  const std::vector<std::string>& take() noexcept {
    return rows_[turn_.fetch_add(1, std::memory_order_relaxed) % rows_.size()];
  }
  static constexpr std::size_t npos = ~std::size_t{0};

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::atomic<std::uint64_t> turn_{0};
};

}  // namespace rpx::load
