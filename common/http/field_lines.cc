#include "http/field_lines.h"

#include <array>
#include <bit>
#include <cstring>

#include "http/chars.h"

namespace rpx::http {
namespace {

/// The first byte from `at` on that a field value may not hold, or `end`.
const char* find_end_of_text(const char* at, const char* end) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kTops = 0x8080808080808080;
  while (std::endian::native == std::endian::little && end - at >= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    const std::uint64_t controls = (word - kOnes * 0x20) & ~word;
    const std::uint64_t not_del = word ^ (kOnes * 0x7f);
    const std::uint64_t found = (controls | ((not_del - kOnes) & ~not_del)) & kTops;
    if (found == 0) {
      at += 8;
      continue;
    }
    // A borrow may mark bytes behind the first one found, never that one wrongly.
    at += std::countr_zero(found) / 8;
    if (*at != '\t') return at;
    ++at;
  }
  while (at < end && look_up(kFieldText, *at) != 0) ++at;
  return at;
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

const char* fault_of_name(char c, bool at_start) noexcept {
  if (c == '\n') return "line feed without carriage return";
  if (is_blank(c)) return at_start ? "folded line" : "whitespace in a field name";
  if (c == '\r') return "field line without a colon";
  return at_start && c == ':' ? "empty field name" : "byte that a field name may not hold";
}

const char* fault_of_value(char c) noexcept {
  return c == '\n' ? "line feed without carriage return" : "control byte in a field value";
}

}  // namespace

FieldLines read_field_lines(std::string_view bytes, std::size_t at, const Limits& limits, Headers& out) {
  FieldLines result;
  const char* p = bytes.data() + at;
  const char* const end = bytes.data() + bytes.size();
  const auto refuse = [&result](const char* fault, bool too_large = false) {
    result.fault = fault;
    result.too_large = too_large;
    return result;
  };
  const auto need_more = [&] {
    return bytes.size() >= limits.header_bytes ? refuse("head larger than header_bytes", true) : result;
  };
  std::uint8_t kinds = 0;
  for (;;) {
    const char* const name = p;
    while (p < end && look_up(kToken, *p) != 0) kinds |= look_up(kToken, *p++);
    if (p == end) return need_more();
    if (*p != ':' || p == name) {
      if (*p != '\r' || p != name) return refuse(fault_of_name(*p, p == name));
      if (end - p < 2) return need_more();
      if (p[1] != '\n') return refuse("carriage return without line feed");
      break;
    }
    const std::string_view name_text(name, static_cast<std::size_t>(p - name));
    ++p;
    while (p < end && is_blank(*p)) ++p;
    const char* const value = p;
    p = find_end_of_text(p, end);
    if (p == end) return need_more();
    if (*p != '\r') return refuse(fault_of_value(*p));
    if (end - p < 2) return need_more();
    if (p[1] != '\n') return refuse("carriage return without line feed");
    const char* last = p;
    while (last > value && is_blank(last[-1])) --last;
    if (out.size() >= limits.headers) return refuse("more field lines than headers", true);
    out.add(name_text, {value, static_cast<std::size_t>(last - value)});
    p += 2;
  }
  result.end = static_cast<std::size_t>(p + 2 - bytes.data());
  result.has_odd_names = (kinds & kTokenOdd) != 0;
  return result.end > limits.header_bytes ? refuse("head larger than header_bytes", true) : result;
}

bool looks_like_known_field(std::string_view name) noexcept {
  std::array<char, 32> dashed{};
  if (name.size() > dashed.size()) return false;
  bool odd = false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool plain = look_up(kToken, name[i]) == kTokenPlain;
    dashed[i] = plain ? name[i] : '-';
    odd |= !plain;
  }
  if (!odd) return false;
  const std::string_view text(dashed.data(), name.size());
  switch (field_id(text)) {
    case FieldId::kContentLength:
    case FieldId::kTransferEncoding:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kProxyAuthorization:
    case FieldId::kHttp2Settings:
    case FieldId::kMaxForwards:
    case FieldId::kXForwardedFor:
    case FieldId::kXForwardedProto:
    case FieldId::kXForwardedHost:
    case FieldId::kXRealIp:
    case FieldId::kXRequestId: return true;
    default: return false;
  }
}

}  // namespace rpx::http
