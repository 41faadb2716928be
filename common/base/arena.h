// A bump allocator for text that lives as long as one exchange. Blocks are kept between uses, so that
// a worker in steady state allocates nothing. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace rpx {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// `size` bytes, valid until clear() or destruction.
  char* allocate(std::size_t size) {
    if (size > room_) grow(size);
    char* at = next_;
    next_ += size;
    room_ -= size;
    return at;
  }
  /// A copy of `text`, valid until clear() or destruction.
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* at = allocate(text.size());
    std::memcpy(at, text.data(), text.size());
    return {at, text.size()};
  }
  /// `number` in decimal digits.
  std::string_view decimal(std::uint64_t number) {
    std::array<char, 20> digits;
    return copy({digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr});
  }
  /// The parts one after the other as one text.
  template <class... Parts>
  std::string_view join(const Parts&... parts) {
    const std::size_t size = (std::string_view(parts).size() + ... + 0);
    char* at = allocate(size);
    char* end = at;
    ((end += std::string_view(parts).copy(end, std::string_view(parts).size())), ...);
    return {at, size};
  }
  /// Forgets everything handed out; keeps the first block for the next use.
  void clear() noexcept {
    if (blocks_.size() > 1) blocks_.resize(1);
    if (blocks_.empty()) return;
    next_ = blocks_.front().get();
    room_ = kBlock;
  }

 private:
  static constexpr std::size_t kBlock = 2048;
  void grow(std::size_t size) {
    const std::size_t block = blocks_.empty() || size <= kBlock ? std::max(size, kBlock) : size;
    if (blocks_.empty() && size > kBlock) blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlock));
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block));
    next_ = blocks_.back().get();
    room_ = block;
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  std::size_t room_ = 0;
};

}  // namespace rpx
