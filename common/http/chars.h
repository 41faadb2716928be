// Which bytes may stand where in a head, as 256-entry tables. For the parsers of this folder; pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rpx::http {

using ByteTable = std::array<std::uint8_t, 256>;

template <class Member>
consteval ByteTable make_table(Member member) {
  ByteTable out{};
  for (unsigned c = 0; c < 256; ++c) out[c] = static_cast<std::uint8_t>(member(c));
  return out;
}

constexpr bool is_digit(unsigned c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(unsigned c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
/// RFC 9110 section 5.6.3.
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_one_of(unsigned c, std::string_view set) noexcept {
  return c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
}

inline constexpr std::uint8_t kTokenPlain = 1;  ///< letters, digits and '-'
inline constexpr std::uint8_t kTokenOdd = 2;    ///< the other bytes of a token
/// RFC 9110 section 5.6.2; 0 for what a token may not hold.
inline constexpr ByteTable kToken = make_table([](unsigned c) -> unsigned {
  if (is_digit(c) || is_letter(c) || c == '-') return kTokenPlain;
  return is_one_of(c, "!#$%&'*+.^_`|~") ? kTokenOdd : 0;
});
/// RFC 9110 section 5.5: what a field value and a reason phrase may hold.
inline constexpr ByteTable kFieldText = make_table([](unsigned c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; });
/// What a request target may hold at all: visible ASCII without the fragment's mark.
inline constexpr ByteTable kTarget = make_table([](unsigned c) { return c > 0x20 && c < 0x7f && c != '#'; });
/// RFC 3986 section 2.3.
inline constexpr ByteTable kUnreserved =
    make_table([](unsigned c) { return is_digit(c) || is_letter(c) || is_one_of(c, "-._~"); });
/// RFC 3986 section 3.3, pchar and '/', without '%'.
inline constexpr ByteTable kPath =
    make_table([](unsigned c) { return is_digit(c) || is_letter(c) || is_one_of(c, "-._~!$&'()*+,;=:@/"); });
/// Value of a hex digit, 255 for any other byte.
inline constexpr ByteTable kHexValue = make_table([](unsigned c) -> unsigned {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 255;
});

constexpr std::uint8_t look_up(const ByteTable& table, char c) noexcept { return table[static_cast<unsigned char>(c)]; }
constexpr bool is_hex_digit(char c) noexcept { return look_up(kHexValue, c) != 255; }

}  // namespace rpx::http
