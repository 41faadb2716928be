// Texts packed one after the other with their lengths, and what memory costs: for what entries consist of. Any thread.
#pragma once

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rpx::cache {

/// Lengths stand before what they are of, seven bits a byte, the lower ones first.
inline std::size_t packed_size(std::size_t number) noexcept {
  std::size_t bytes = 1;
  for (; number >= 0x80; number >>= 7U) ++bytes;
  return bytes;
}

inline char* pack_number(char* to, std::size_t number) noexcept {
  for (; number >= 0x80; number >>= 7U) *to++ = static_cast<char>(number | 0x80U);
  *to++ = static_cast<char>(number);
  return to;
}

inline std::size_t unpack_number(const char*& from) noexcept {
  std::size_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*from++);
    number |= static_cast<std::size_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return number;
  }
}

inline std::size_t packed_size(std::string_view a, std::string_view b) noexcept {
  return packed_size(a.size()) + packed_size(b.size()) + a.size() + b.size();
}

inline char* put_text(char* to, std::string_view text) noexcept { return std::copy(text.begin(), text.end(), to); }

inline char* pack_pair(char* to, std::string_view a, std::string_view b) noexcept {
  return put_text(put_text(pack_number(pack_number(to, a.size()), b.size()), a), b);
}

inline std::pair<std::string_view, std::string_view> unpack_pair(const char*& from) noexcept {
  const std::size_t first = unpack_number(from);
  const std::size_t second = unpack_number(from);
  const char* text = std::exchange(from, from + first + second);
  return {{text, first}, {text + first, second}};
}

inline std::uint32_t narrow(std::size_t number) noexcept { return static_cast<std::uint32_t>(number); }

/// What the allocator gives for what it was asked for, its own header included.
inline std::size_t heap_bytes(const void* block) noexcept {
  return block ? malloc_usable_size(const_cast<void*>(block)) + sizeof(std::size_t) : 0;
}

inline std::size_t heap_bytes(const std::string& text) noexcept {
  const void* inside = &text;
  const auto from = reinterpret_cast<std::uintptr_t>(inside);
  const auto at = reinterpret_cast<std::uintptr_t>(text.data());
  return at >= from && at < from + sizeof(std::string) ? 0 : heap_bytes(text.data());
}

}  // namespace rpx::cache
