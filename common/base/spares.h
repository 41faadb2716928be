// Spares: objects made for reuse that nobody uses now. There are as many as were ever needed at once, and those that
// nobody needs any more go by and by. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace rpx {

template <class T>
class Spares {
 public:
  /// `few` are kept however long nobody needs them.
  explicit Spares(std::size_t few) noexcept : few_(few) {}

  /// One of them, the one used last; null when there is none.
  std::unique_ptr<T> take() noexcept {
    if (spares_.empty()) return nullptr;
    std::unique_ptr<T> one = std::move(spares_.back());
    spares_.pop_back();
    least_ = std::min(least_, spares_.size());
    return one;
  }
  void keep(std::unique_ptr<T> one) { spares_.push_back(std::move(one)); }
  /// To be called now and then: of those that nobody took since the last time, half are destroyed.
  void sweep() noexcept {
    const std::size_t idle = std::min(least_, spares_.size());
    const std::size_t most_away = spares_.size() - std::min(spares_.size(), few_);
    // From the front, where those lie that were not used for longest.
    spares_.erase(spares_.begin(), spares_.begin() + static_cast<std::ptrdiff_t>(std::min((idle + 1) / 2, most_away)));
    least_ = spares_.size();
  }
  void clear() noexcept { spares_.clear(); }
  std::size_t size() const noexcept { return spares_.size(); }

 private:
  std::size_t few_;
  std::size_t least_ = 0;  // there were at all times since the last sweep
  std::vector<std::unique_ptr<T>> spares_;
};

}  // namespace rpx
