#include "policy/hide_origin.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "http/chars.h"
#include "policy/values.h"

namespace rpx::policy {
namespace {

using http::Field;
using http::FieldId;

// Fields that tell what the origin is made of, how long it took, or which machine it was; by length, so that
// the many other fields of a reply are told apart by theirs. Server, X-Powered-By and Via have an id.
constexpr std::array<std::string_view, 26> kTelltales{
    "x-host",
    "x-node",
    "alt-svc",
    "x-server",
    "x-backend",
    "x-runtime",
    "x-varnish",
    "x-upstream",
    "x-generator",
    "x-served-by",
    "x-page-speed",
    "server-timing",
    "x-debug-token",
    "x-owa-version",
    "x-powered-cms",
    "x-server-name",
    "x-sourcefiles",
    "liferay-portal",
    "x-cf-powered-by",
    "x-mod-pagespeed",
    "x-aspnet-version",
    "x-backend-server",
    "x-debug-token-link",
    "x-aspnetmvc-version",
    "x-envoy-upstream-service-time",
    "microsoftsharepointteamservices",
};

static_assert(std::ranges::is_sorted(kTelltales, {}, &std::string_view::size));

constexpr std::size_t kLongestTelltale = kTelltales.back().size();

/// Where in kTelltales the names of a length begin; those of the next length begin where they end.
consteval auto starts_by_length() {
  std::array<std::uint8_t, kLongestTelltale + 2> starts{};
  for (std::size_t length = 0; length < starts.size(); ++length)
    for (const std::string_view name : kTelltales) starts[length] += name.size() < length ? 1 : 0;
  return starts;
}
constexpr auto kStarts = starts_by_length();

bool is_telltale(const Field& field) noexcept {
  if (field.id == FieldId::kServer || field.id == FieldId::kXPoweredBy || field.id == FieldId::kVia) return true;
  const std::size_t size = field.name.size();
  if (field.id != FieldId::kOther || size > kLongestTelltale) return false;
  for (std::size_t i = kStarts[size]; i < kStarts[size + 1]; ++i) {
    // Most names differ at once.
    const std::string_view name = kTelltales[i];
    if ((field.name.front() | 0x20) == name.front() && (field.name.back() | 0x20) == name.back() &&
        iequals(name, field.name))
      return true;
  }
  return false;
}

/// A URI taken apart as far as it matters here (RFC 3986 appendix B). All views.
struct Link {
  std::string_view scheme;  ///< "http" or "https" in any case; empty in "//host/path" and "/path"
  std::string_view host;
  std::string_view authority;
  std::uint16_t port = 0;  ///< 0 when none was given and there is no scheme to tell it
  std::string_view rest;   ///< path, query and fragment
  bool has_authority = false;
};

std::uint16_t default_port(std::string_view scheme) noexcept {
  if (iequals(scheme, "http")) return 80;
  return iequals(scheme, "https") ? std::uint16_t{443} : std::uint16_t{0};
}

/// False for what is neither a web address nor a path from the root: those are left alone.
bool take_apart(std::string_view text, Link& out) noexcept {
  if (const std::size_t colon = text.find("://"); colon == 4 || colon == 5) {
    out.scheme = text.substr(0, colon);
    if (default_port(out.scheme) == 0) return false;
    text.remove_prefix(colon + 1);
  }
  if (!text.starts_with("//")) {
    out.rest = text;
    return text.starts_with('/');
  }
  text.remove_prefix(2);
  const std::size_t end = std::min(text.find_first_of("/?#\\"), text.size());
  out.has_authority = true;
  out.authority = text.substr(0, end);
  out.rest = text.substr(end);
  const std::string_view place = out.authority.substr(out.authority.rfind('@') + 1);
  out.host = host_of(place);
  out.port = default_port(out.scheme);
  if (out.host.size() + 1 < place.size()) {
    const auto port = parse_uint(place.substr(out.host.size() + 1));
    if (!port || *port == 0 || *port > 65535) return false;
    out.port = static_cast<std::uint16_t>(*port);
  }
  return !out.host.empty() && !out.rest.starts_with('\\');
}

/// Whether `path` is `prefix` or below it.
bool is_below(std::string_view path, std::string_view prefix) noexcept {
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || std::string_view("/?#;").find(path[prefix.size()]) != std::string_view::npos);
}

std::string_view missing_prefix(std::string_view path, std::string_view prefix) noexcept {
  return is_below(path, prefix) ? std::string_view("") : prefix;
}

/// The link as the client should see it; `text` itself where nothing has to change.
std::string_view client_link(std::string_view text, const OriginNames& origin, const http::ClientFacts& client,
                             Arena& arena) {
  Link link;
  if (!take_apart(text, link)) return text;
  const std::string_view prefix = missing_prefix(link.rest, origin.stripped_prefix());
  if (!link.has_authority) return prefix.empty() ? text : arena.join(prefix, link.rest);
  // An origin that was sent the client's Host writes links with it, and still knows nothing of the prefix.
  if (iequals(link.authority, client.host)) {
    if (prefix.empty()) return text;
    return arena.join(text.substr(0, text.size() - link.rest.size()), prefix, link.rest);
  }
  const bool owned =
      link.port != 0 ? origin.owns(link.host, link.port) : origin.owns(link.host, 80) || origin.owns(link.host, 443);
  if (!owned) return text;
  if (client.host.empty()) return arena.join(prefix, link.rest.starts_with('/') ? "" : "/", link.rest);
  return arena.join(client.scheme, "://", client.host, prefix, link.rest);
}

/// Refresh: `5; url=…`, the address perhaps in quotes.
std::string_view client_refresh(std::string_view value, const OriginNames& origin, const http::ClientFacts& client,
                                Arena& arena) {
  std::size_t at = value.find_first_of(";,");
  if (at == std::string_view::npos) return value;
  at = value.find_first_not_of(" \t", at + 1);
  if (at == std::string_view::npos || !iequals(value.substr(at, 4), "url=")) return value;
  at += 4;
  std::size_t end = value.size();
  if (at < end && (value[at] == '"' || value[at] == '\'')) {
    end = std::min(value.find(value[at], at + 1), end);
    ++at;
  }
  const std::string_view link = value.substr(at, end - at);
  const std::string_view changed = client_link(link, origin, client, arena);
  return changed.data() == link.data() ? value : arena.join(value.substr(0, at), changed, value.substr(end));
}

/// Whether `host` may set a cookie for `domain` (RFC 6265 section 5.1.3).
bool domain_matches(std::string_view host, std::string_view domain) noexcept {
  if (domain.starts_with('.')) domain.remove_prefix(1);
  if (iequals(host, domain)) return true;
  return !domain.empty() && host.size() > domain.size() && host[host.size() - domain.size() - 1] == '.' &&
         iequals(host.substr(host.size() - domain.size()), domain);
}

std::string_view client_cookie(std::string_view value, const OriginNames& origin, const http::ClientFacts& client,
                               Arena& arena) {
  // Each change joins a new copy; a cookie has one Domain and one Path, so that two are the most in practice.
  std::size_t at = value.find(';');
  while (at != std::string_view::npos) {
    const std::size_t end = std::min(value.find(';', at + 1), value.size());
    const std::string_view attribute = value.substr(at + 1, end - at - 1);
    const std::size_t equals = std::min(attribute.find('='), attribute.size());
    const std::string_view name = trim(attribute.substr(0, equals));
    const std::string_view argument =
        equals < attribute.size() ? trim(attribute.substr(equals + 1)) : std::string_view();
    if (iequals(name, "Domain") && origin.owns_domain(argument) && !domain_matches(host_of(client.host), argument)) {
      value = arena.join(value.substr(0, at), value.substr(end));
      at = at < value.size() ? at : std::string_view::npos;
      continue;
    }
    std::string_view put_back;
    if (iequals(name, "Path") && argument.size() > 1 && argument.starts_with('/'))
      put_back = missing_prefix(argument, origin.stripped_prefix());
    if (!put_back.empty()) {
      const auto before = static_cast<std::size_t>(argument.data() - value.data());
      value = arena.join(value.substr(0, before), put_back, value.substr(before));
    }
    at = value.find(';', end + put_back.size());
  }
  return value;
}

// Fields with addresses in them, besides those that have an id.
constexpr std::array<std::string_view, 9> kWithAddresses{"link",
                                                         "report-to",
                                                         "sourcemap",
                                                         "x-sourcemap",
                                                         "timing-allow-origin",
                                                         "reporting-endpoints",
                                                         "content-security-policy",
                                                         "access-control-allow-origin",
                                                         "content-security-policy-report-only"};

bool has_addresses(std::string_view name) noexcept {
  return std::ranges::any_of(kWithAddresses,
                             [name](std::string_view one) { return one.size() == name.size() && iequals(one, name); });
}

/// "10.0.0.11:8080" or "app.internal", alone, as policies have it; ws and wss stand for http and https.
std::string_view client_place(std::string_view text, const OriginNames& origin, const http::ClientFacts& client,
                              Arena& arena) {
  std::string_view scheme;
  std::string_view place = text;
  if (const std::size_t colon = text.find("://"); colon != std::string_view::npos) {
    scheme = text.substr(0, colon);
    if (!iequals(scheme, "ws") && !iequals(scheme, "wss")) return client_link(text, origin, client, arena);
    place = text.substr(colon + 3);
  }
  const std::size_t end = std::min(place.find('/'), place.size());
  const std::string_view host = host_of(place.substr(0, end));
  const std::string_view digits = place.substr(std::min(host.size() + 1, end), end - std::min(host.size() + 1, end));
  const auto port = parse_uint(digits);
  const bool owned = digits.empty() ? origin.owns(host, 80) || origin.owns(host, 443)
                                    : port && *port <= 65535 && origin.owns(host, static_cast<std::uint16_t>(*port));
  if (!owned || client.host.empty()) return text;
  if (scheme.empty()) return arena.join(client.host, place.substr(end));
  return arena.join(client.scheme == "https" ? "wss://" : "ws://", client.host, place.substr(end));
}

/// A value with addresses between other things: those in <> are links, whatever is in them.
std::string_view client_addresses(std::string_view value, const OriginNames& origin, const http::ClientFacts& client,
                                  Arena& arena) {
  constexpr std::string_view kBetween = " \t,;<>\"'()";
  std::string out;
  std::size_t taken = 0;  // how much of the value is in `out`: nothing until a word differs
  for (std::size_t at = 0; at < value.size();) {
    const bool link = at > 0 && value[at - 1] == '<';
    const std::size_t end = std::min(link ? value.find('>', at) : value.find_first_of(kBetween, at), value.size());
    const std::string_view word = value.substr(at, end - at);
    const std::string_view now =
        link ? client_link(word, origin, client, arena) : client_place(word, origin, client, arena);
    if (now.data() != word.data()) {
      out += value.substr(taken, at - taken);
      out += now;
      taken = end;
    }
    at = end + 1;
  }
  return taken == 0 ? value : arena.join(out, value.substr(taken));
}

}  // namespace

bool tells_inode(std::string_view etag) noexcept {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() < 7 || !etag.starts_with('"') || !etag.ends_with('"')) return false;
  constexpr std::size_t kLongestNumber = 16;
  std::size_t numbers = 1;
  std::size_t digits = 0;
  for (const char c : etag.substr(1, etag.size() - 2)) {
    if (c == '-') {
      if (digits == 0 || ++numbers > 3) return false;
      digits = 0;
    } else if (!http::is_hex_digit(c) || ++digits > kLongestNumber) {
      return false;
    }
  }
  return numbers == 3 && digits != 0;
}

bool is_telltale_field(std::string_view name) noexcept { return is_telltale({name, {}, http::field_id(name)}); }

OriginNames::OriginNames(std::span<const std::string> urls, std::string_view stripped_prefix) {
  for (const std::string& url : urls) {
    Link link;
    if (!take_apart(url, link) || !link.has_authority || link.port == 0) continue;
    names_.push_back({lower(link.host), link.port});
  }
  while (stripped_prefix.ends_with('/')) stripped_prefix.remove_suffix(1);
  prefix_ = stripped_prefix;
}

bool OriginNames::owns(std::string_view host, std::uint16_t port) const noexcept {
  return std::ranges::any_of(names_, [&](const Name& name) { return name.port == port && iequals(name.host, host); });
}

bool OriginNames::owns_domain(std::string_view domain) const noexcept {
  return std::ranges::any_of(names_, [&](const Name& name) { return domain_matches(name.host, domain); });
}

void hide_origin(http::Headers& headers, const OriginNames& origin, const http::ClientFacts& client, Arena& arena) {
  std::vector<Field>& fields = headers.raw();
  std::erase_if(fields, [](const Field& field) {
    return is_telltale(field) || (field.id == FieldId::kETag && tells_inode(field.value));
  });
  for (Field& field : fields) {
    switch (field.id) {
      case FieldId::kLocation:
      case FieldId::kContentLocation: field.value = client_link(field.value, origin, client, arena); break;
      case FieldId::kSetCookie: field.value = client_cookie(field.value, origin, client, arena); break;
      case FieldId::kOther:
        if (field.name.size() == 7 && iequals(field.name, "Refresh"))
          field.value = client_refresh(field.value, origin, client, arena);
        else if (has_addresses(field.name))
          field.value = client_addresses(field.value, origin, client, arena);
        break;
      default: break;
    }
  }
}

}  // namespace rpx::policy
