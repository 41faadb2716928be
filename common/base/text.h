// Small text functions. Pure, any thread. ASCII only: HTTP's case folding is not the locale's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rpx {

constexpr char to_lower(char c) noexcept { return (c >= 'A' && c <= 'Z') ? static_cast<char>(c | 0x20) : c; }
/// Whether two texts of one size are the same when case is not minded.
bool same_but_for_case(std::string_view a, std::string_view b) noexcept;
/// Mostly the two are of different sizes, or spelt the same.
inline bool iequals(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && (a == b || same_but_for_case(a, b));
}
std::string lower(std::string_view text);
/// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text) noexcept;
std::vector<std::string_view> split(std::string_view text, char separator);
/// Decimal digits only, no sign, no overflow.
std::optional<std::uint64_t> parse_uint(std::string_view text) noexcept;
/// The nearest of `known` to `word` by edit distance, or empty when none is near enough to suggest.
std::string_view did_you_mean(std::string_view word, std::span<const std::string_view> known) noexcept;
/// `text` with control characters, quotes and backslashes escaped for a JSON string (RFC 8259 section 7), appended to
/// `out` without the quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_escaped(std::string& out, std::string_view text);
/// Shell-style pattern with '*' (any run) and '?' (any one byte).
bool glob_match(std::string_view pattern, std::string_view text) noexcept;

}  // namespace rpx
