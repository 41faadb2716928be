#include "http/target.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/text.h"
#include "http/chars.h"

namespace rpx::http {
namespace {

constexpr std::size_t kLongestName = 255;

constexpr std::uint8_t kHostByte = 1;
constexpr std::uint8_t kHostCapital = 2;
/// 0 for what the name of a host may not hold.
constexpr ByteTable kHostName = make_table([](unsigned c) -> unsigned {
  if (c >= 'A' && c <= 'Z') return kHostCapital;
  return is_digit(c) || is_letter(c) || is_one_of(c, "-_.") ? kHostByte : 0;
});

std::unexpected<Error> bad_target(const char* detail) { return client_error(ErrorKind::kBadRequest, detail); }

bool has_capital(std::string_view text) noexcept {
  for (const char c : text)
    if (c >= 'A' && c <= 'Z') return true;
  return false;
}

struct HostEnd {
  std::size_t at = 0;  ///< 0: there is no host
  bool has_capital = false;
};

/// Where the host of an authority ends.
HostEnd end_of_host(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return {};
    const std::string_view inside = text.substr(1, close - 1);
    const bool good = inside.find(':') != std::string_view::npos && IpAddress::parse(inside).has_value();
    return good ? HostEnd{close + 1, has_capital(inside)} : HostEnd{};
  }
  std::size_t end = 0;
  char before = '.';
  unsigned seen = 0;
  for (unsigned kind = 0; end < text.size() && (kind = look_up(kHostName, text[end])) != 0; ++end) {
    // Neither a dot at the start nor an empty label.
    if (text[end] == '.' && before == '.') return {};
    before = text[end];
    seen |= kind;
  }
  return end <= kLongestName ? HostEnd{end, (seen & kHostCapital) != 0} : HostEnd{};
}

/// "", ":" or ":1" to ":65535".
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  if (text.size() < 2) return text.empty() || text == ":" ? std::optional<std::uint16_t>(0) : std::nullopt;
  const auto port = parse_uint(text.substr(1));
  if (text[0] != ':' || text[1] == '0' || text.size() > 6 || !port || *port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

std::string_view to_lower_in(Arena& arena, std::string_view text) {
  char* out = arena.allocate(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) out[i] = to_lower(text[i]);
  return {out, text.size()};
}

Status parse_path_and_query(std::string_view text, Arena& arena, Target& out) {
  const std::size_t question = text.find('?');
  out.query = question == std::string_view::npos ? std::string_view{} : text.substr(question);
  return canonical_paths(text.substr(0, question), arena, out);
}

/// Length of "http://" or "https://" in any case at the start, else 0.
std::size_t scheme_length(std::string_view text) noexcept {
  for (const std::string_view scheme : {"http://", "https://"})
    if (iequals(text.substr(0, scheme.size()), scheme)) return scheme.size();
  return 0;
}

}  // namespace

bool is_authority(std::string_view text) noexcept {
  const std::size_t end = end_of_host(text).at;
  return end != 0 && parse_port(text.substr(end)).has_value();
}

Status parse_authority(std::string_view text, Arena& arena, Target& out) {
  const auto [end, capital] = end_of_host(text);
  if (end == 0) return bad_target("host that is not a name or an address");
  const auto port = parse_port(text.substr(end));
  if (!port) return bad_target("port that is not a number from 1 to 65535");
  // A bare colon says nothing, and two spellings of one authority would be two keys.
  if (*port == 0) text = text.substr(0, end);
  out.authority = capital ? to_lower_in(arena, text) : text;
  out.host = out.authority.substr(0, end);
  if (out.host.ends_with('.')) {
    out.host.remove_suffix(1);
    out.authority = arena.join(out.host, out.authority.substr(end));
  }
  out.port = *port;
  return {};
}

Status parse_target(std::string_view raw, Method method, Arena& arena, Target& out) {
  if (raw.starts_with('/')) return parse_path_and_query(raw, arena, out);
  if (raw == "*") {
    if (method != Method::kOptions) return bad_target("asterisk as target of another method than OPTIONS");
    out.path = out.lax_path = raw;
    return {};
  }
  const std::size_t scheme = scheme_length(raw);
  if (scheme == 0) return bad_target("target that is neither a path nor an http URI");
  std::string_view rest = raw.substr(scheme);
  const std::size_t authority = std::min(rest.find_first_of("/?"), rest.size());
  RPX_TRY_VOID(parse_authority(rest.substr(0, authority), arena, out));
  rest.remove_prefix(authority);
  if (rest.starts_with('/')) return parse_path_and_query(rest, arena, out);
  // RFC 9112 section 3.2.4: a URI without a path asks OPTIONS about the server as a whole.
  out.path = out.lax_path = rest.empty() && method == Method::kOptions ? "*" : "/";
  out.query = rest;
  return {};
}

}  // namespace rpx::http
