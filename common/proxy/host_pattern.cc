#include "proxy/host_pattern.h"

#include <fmt/format.h>

#include "base/ip.h"
#include "base/text.h"

namespace rpx::proxy {
namespace {

std::unexpected<Error> bad_host(std::string_view text, std::string_view why) {
  return self_error(ErrorKind::kConfig, fmt::format("host \"{}\": {}", text, why));
}

/// RFC 1123 section 2.1, and underscores, which names in private networks have.
bool is_label(std::string_view label) noexcept {
  if (label.empty() || label.size() > 63) return false;
  for (const char c : label) {
    const char low = to_lower(c);
    if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
  }
  return true;
}

}  // namespace

Result<HostPattern> HostPattern::parse(std::string_view text) {
  std::string_view rest = text;
  if (rest == "*") return bad_host(text, "leave \"host\" out for any host");
  if (rest.starts_with('[') && rest.ends_with(']')) {
    const auto ip = IpAddress::parse(rest.substr(1, rest.size() - 2));
    if (!ip || rest.find(':') == std::string_view::npos) return bad_host(text, "no IPv6 address is in the brackets");
    return HostPattern{Kind::kExact, lower(rest)};
  }
  if (const auto ip = IpAddress::parse(rest)) {
    const bool bare_v6 = rest.find(':') != std::string_view::npos;
    return HostPattern{Kind::kExact, bare_v6 ? fmt::format("[{}]", lower(rest)) : std::string(rest)};
  }
  if (rest.find(':') != std::string_view::npos) return bad_host(text, "a host is written without scheme and port");
  const bool wildcard = rest.starts_with("*.");
  if (wildcard) rest.remove_prefix(2);
  if (rest.ends_with('.')) rest.remove_suffix(1);
  if (rest.find('*') != std::string_view::npos)
    return bad_host(text, "\"*\" stands for whole labels at the start alone: \"*.example.com\"");
  for (const std::string_view label : split(rest, '.'))
    if (!is_label(label)) return bad_host(text, "not a name or an address");
  if (rest.size() > 253) return bad_host(text, "longer than a name can be");
  return HostPattern{wildcard ? Kind::kWildcard : Kind::kExact, (wildcard ? "." : "") + lower(rest)};
}

}  // namespace rpx::proxy
