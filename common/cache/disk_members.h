// How the heads of disk records are made of members, shared by what reads them whole (disk_head) and what looks at
// single ones (disk_brief). Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rpx::cache::disk {

/// What a member is. Numbers are never given to another.
enum class Tag : std::uint8_t {
  kKey = 1,
  kUrl,
  kHost,
  kLanguage,
  kNumbers,
  kSays,
  kSection,
  kNoCacheField,
  kPrivateField,
  kVary,
  kTag,
  kGroup,
  kAsked,
  kTold,
  kPlace,
  kField,
  // Of purges.
  kPrefix,
  kOrigin,
  kSoft,
  // Of coded forms.
  kCoding,
  // Of the pieces of a large body.
  kPieceSums
};

inline void append_number(std::string& out, std::uint64_t number, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>((number >> (8 * i)) & 0xFFU);
}

inline std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t count) noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < count; ++i)
    out |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return out;
}

inline void append(std::string& out, Tag tag, std::string_view bytes) {
  out += static_cast<char>(tag);
  append_number(out, bytes.size(), 4);
  out += bytes;
}

inline void append_text(std::string& out, Tag tag, std::string_view text) {
  if (!text.empty()) append(out, tag, text);
}

inline void append_pair(std::string& out, Tag tag, std::string_view name, std::string_view value) {
  out += static_cast<char>(tag);
  append_number(out, 4 + name.size() + value.size(), 4);
  append_number(out, name.size(), 4);
  out.append(name).append(value);
}

inline bool read_pair(std::string_view bytes, std::string_view& name, std::string_view& value) noexcept {
  if (bytes.size() < 4) return false;
  const std::uint64_t cut = number_at(bytes, 0, 4);
  if (cut > bytes.size() - 4) return false;
  name = bytes.substr(4, cut);
  value = bytes.substr(4 + cut);
  return true;
}

// Hands each member to `take(tag, bytes)`, which says whether it is right.
template <class Take>
bool each_member(std::string_view bytes, Take take) {
  while (!bytes.empty()) {
    if (bytes.size() < 5) return false;
    const auto tag = static_cast<Tag>(bytes[0]);
    const std::uint64_t length = number_at(bytes, 1, 4);
    if (length > bytes.size() - 5) return false;
    if (!take(tag, bytes.substr(5, length))) return false;
    bytes.remove_prefix(5 + length);
  }
  return true;
}

}  // namespace rpx::cache::disk
