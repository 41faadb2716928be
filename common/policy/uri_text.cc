#include "policy/uri_text.h"

#include <array>

namespace rpx::policy {
namespace {

using ByteSet = std::array<bool, 256>;

consteval ByteSet set_of(std::string_view marks) {
  ByteSet set{};
  for (unsigned c = 'a'; c <= 'z'; ++c) set[c] = set[c - 32] = true;
  for (unsigned c = '0'; c <= '9'; ++c) set[c] = true;
  for (const char c : marks) set[static_cast<unsigned char>(c)] = true;
  return set;
}

constexpr ByteSet kPathText = set_of("-._~/!$&'()*+,;=:@%");
constexpr ByteSet kUri = set_of("-._~/!$&'()*+,;=:@%?#[]");
constexpr ByteSet kTargetText = set_of("-._~/!$&'()*+,;=:@%?[]");
constexpr ByteSet kData = set_of("-._~/");

void append_encoded(std::string& out, std::string_view text, const ByteSet& kept) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kept[byte]) {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

}  // namespace

void append_path_text(std::string& out, std::string_view text) { append_encoded(out, text, kPathText); }
void append_uri_text(std::string& out, std::string_view text) { append_encoded(out, text, kUri); }
void append_target_text(std::string& out, std::string_view text) { append_encoded(out, text, kTargetText); }
void append_uri_data(std::string& out, std::string_view text) { append_encoded(out, text, kData); }

}  // namespace rpx::policy
