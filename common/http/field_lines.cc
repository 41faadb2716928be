#include "http/field_lines.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <array>
#include <bit>

#include "http/chars.h"

namespace rpx::http {
namespace {

#if defined(__SSE2__)
__m128i load16(const char* at) noexcept { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }

/// A bit for each of sixteen bytes that is no letter, digit or '-'.
unsigned not_plain(__m128i bytes) noexcept {
  const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
  // Bytes past ASCII are negative here, and so below 'a' and '0'.
  const __m128i letter =
      _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)), _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
  const __m128i digit =
      _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('0' - 1)), _mm_cmplt_epi8(bytes, _mm_set1_epi8('9' + 1)));
  const __m128i plain = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
  return static_cast<unsigned>(_mm_movemask_epi8(plain)) ^ 0xffffU;
}

/// A bit for each of sixteen bytes that is below space or DEL.
unsigned not_text(__m128i bytes) noexcept {
  const __m128i text = _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8(0x20)), bytes);
  const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
  return (static_cast<unsigned>(_mm_movemask_epi8(text)) ^ 0xffffU) | static_cast<unsigned>(_mm_movemask_epi8(del));
}

/// The first byte from `at` on that `others` has a bit for, or `end`: sixteen bytes at a time, the usual case of a name
/// or value told by one or two of them. The last ones are read once more together with those before them; input that
/// has no sixteen bytes is left to the caller.
template <class Others>
const char* skip(std::string_view input, const char* at, Others others) noexcept {
  constexpr std::ptrdiff_t kWidth = 16;
  const char* const end = input.data() + input.size();
  for (; end - at >= kWidth; at += kWidth)
    if (const unsigned found = others(load16(at)); found != 0) return at + std::countr_zero(found);
  if (at == end || input.size() < static_cast<std::size_t>(kWidth)) return at;
  const unsigned found = others(load16(end - kWidth)) >> (kWidth - (end - at));
  return found != 0 ? at + std::countr_zero(found) : end;
}
const char* skip_plain(std::string_view input, const char* at) noexcept { return skip(input, at, not_plain); }
const char* skip_text(std::string_view input, const char* at) noexcept { return skip(input, at, not_text); }
#else
const char* skip_plain(std::string_view, const char* at) noexcept { return at; }
const char* skip_text(std::string_view, const char* at) noexcept { return at; }
#endif

/// The first byte of `input` from `at` on that a field value may not hold, or its end.
const char* find_end_of_text(std::string_view input, const char* at) noexcept {
  const char* const end = input.data() + input.size();
  for (;;) {
    at = skip_text(input, at);
    if (at < end && *at == '\r') return at;
    while (at < end && look_up(kFieldText, *at) != 0 && *at != '\t') ++at;
    if (at == end || *at != '\t') return at;
    ++at;
  }
}

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
    p = skip_plain(bytes, p);
    while (p < end && *p != ':' && look_up(kToken, *p) != 0) kinds |= look_up(kToken, *p++);
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
    p = find_end_of_text(bytes, p);
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
