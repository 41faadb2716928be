#include "http/forwarded.h"

#include "base/text.h"
#include "http/chars.h"
#include "http/target.h"

namespace rpx::http {
namespace {

using enum FieldId;

/// Members of a list field from the last to the first, over all of its lines; empty ones are passed over. Commas
/// count inside quotes too: a client's open quote must not swallow what proxies wrote behind it.
class FromTheRight {
 public:
  FromTheRight(const Headers& headers, FieldId id) noexcept : fields_(headers.fields()), id_(id) {}
  /// The next member; nothing at the front of the list.
  std::optional<std::string_view> next() noexcept {
    for (;;) {
      while (rest_.empty()) {
        if (fields_.empty()) return std::nullopt;
        if (fields_.back().id == id_) rest_ = fields_.back().value;
        fields_ = fields_.first(fields_.size() - 1);
      }
      const std::size_t comma = rest_.rfind(',');
      const std::size_t start = comma == std::string_view::npos ? 0 : comma + 1;
      const std::string_view member = trim(rest_.substr(start));
      rest_ = rest_.substr(0, start == 0 ? 0 : comma);
      if (!member.empty()) return member;
    }
  }

 private:
  std::span<const Field> fields_;
  FieldId id_;
  std::string_view rest_;
};

/// "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80": what stands in X-Forwarded-For, and in for= of Forwarded.
std::optional<IpAddress> parse_node(std::string_view text) noexcept {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    port = text.substr(close + 1);
    text = text.substr(1, close - 1);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos && colon == text.rfind(':')) {
    port = text.substr(colon);
    text = text.substr(0, colon);
  }
  // The port tells nothing we use; RFC 7239 section 6 also allows an invented one.
  if (!port.empty() && (port.size() < 2 || port[0] != ':')) return std::nullopt;
  for (const char c : port.substr(std::min<std::size_t>(1, port.size())))
    if (look_up(kToken, c) == 0) return std::nullopt;
  return IpAddress::parse(text);
}

/// "http" or "https" as a constant, or empty.
std::string_view known_scheme(std::string_view text) noexcept {
  if (iequals(text, "https")) return "https";
  return iequals(text, "http") ? "http" : "";
}

/// One element of Forwarded (RFC 7239 section 4).
struct Element {
  std::string_view node;
  std::string_view scheme;
  std::string_view host;
};

/// The text between quotes; nothing when it holds escapes, which neither an address nor a host needs.
std::optional<std::string_view> unquote(std::string_view text) noexcept {
  if (!text.starts_with('"')) return text;
  if (text.size() < 2 || !text.ends_with('"')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  if (text.find_first_of("\"\\") != std::string_view::npos) return std::nullopt;
  return text;
}

std::optional<Element> parse_element(std::string_view text) noexcept {
  Element out;
  while (!text.empty()) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = trim(text.substr(0, equals));
    text.remove_prefix(equals + 1);
    std::size_t end = text.starts_with('"') ? text.find('"', 1) : 0;
    end = std::min(text.find(';', std::min(end, text.size())), text.size());
    const auto value = unquote(trim(text.substr(0, end)));
    if (!value) return std::nullopt;
    if (iequals(name, "for")) out.node = *value;
    if (iequals(name, "proto")) out.scheme = known_scheme(*value);
    if (iequals(name, "host") && is_authority(*value)) out.host = *value;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void believe_forwarded(const Headers& headers, const std::vector<IpPrefix>& trusted, ClientFacts& facts) noexcept {
  FromTheRight elements(headers, kForwarded);
  while (const auto text = elements.next()) {
    const auto element = parse_element(*text);
    if (!element) return;
    // What an element says of the request is good even where it hides who sent it.
    if (!element->scheme.empty()) facts.scheme = element->scheme;
    if (!element->host.empty()) facts.host = element->host;
    const auto address = parse_node(element->node);
    if (!address) return;
    facts.client = *address;
    if (!contains(trusted, *address)) return;
  }
}

void believe_x_forwarded(const Headers& headers, const std::vector<IpPrefix>& trusted, ClientFacts& facts) noexcept {
  FromTheRight addresses(headers, kXForwardedFor);
  while (const auto text = addresses.next()) {
    const auto address = parse_node(*text);
    if (!address) break;
    facts.client = *address;
    if (!contains(trusted, *address)) break;
  }
  // The peer vouches for what it wrote last; what stands before that may be the client's invention.
  if (const auto proto = FromTheRight(headers, kXForwardedProto).next())
    if (const std::string_view scheme = known_scheme(*proto); !scheme.empty()) facts.scheme = scheme;
  if (const auto host = FromTheRight(headers, kXForwardedHost).next(); host && is_authority(*host)) facts.host = *host;
}

/// The values of all lines of one list field as one.
std::string_view join_lines(const Headers& headers, FieldId id, Arena& arena) {
  std::string_view joined;
  for (const Field& field : headers) {
    if (field.id != id || field.value.empty()) continue;
    joined = joined.empty() ? field.value : arena.join(joined, ", ", field.value);
  }
  return joined;
}

/// An address as for= wants it: IPv6 in brackets and quotes.
std::string_view forwarded_node(const IpAddress& address, Arena& arena) {
  const std::string text = address.to_string();
  return address.is_v4() ? arena.copy(text) : arena.join("\"[", text, "]\"");
}

/// Names that claim to tell where a request came from: ours to write, nobody's whom we do not believe.
bool claims_origin(const Field& field) noexcept {
  constexpr std::string_view kPrefix = "x-forwarded-";
  switch (field.id) {
    case kXRealIp: return true;
    case kOther: return field.name.size() > kPrefix.size() && iequals(field.name.substr(0, kPrefix.size()), kPrefix);
    default: return false;
  }
}

}  // namespace

ClientFacts client_facts(const RequestHead& head, const IpAddress& peer, bool tls,
                         const std::vector<IpPrefix>& trusted) {
  ClientFacts facts{peer, tls ? "https" : "http", head.target.authority, contains(trusted, peer)};
  if (!facts.peer_is_trusted) return facts;
  if (!head.headers.has(kXForwardedFor) && head.headers.has(kForwarded))
    believe_forwarded(head.headers, trusted, facts);
  else
    believe_x_forwarded(head.headers, trusted, facts);
  return facts;
}

void add_forwarding_fields(const RequestHead& head, const ClientFacts& facts, const IpAddress& peer, bool peer_is_unix,
                           Arena& arena, Headers& out) {
  std::erase_if(out.raw(), [&facts](const Field& field) {
    return field.id == kForwarded || field.id == kXForwardedFor || field.id == kXForwardedProto ||
           field.id == kXForwardedHost || (!facts.peer_is_trusted && claims_origin(field));
  });
  std::string_view addresses;
  std::string_view elements;
  if (facts.peer_is_trusted) {
    addresses = join_lines(head.headers, kXForwardedFor, arena);
    elements = join_lines(head.headers, kForwarded, arena);
    // A peer that speaks one of the two languages only still made a client known.
    const bool known = facts.client != peer;
    if (known && addresses.empty()) addresses = arena.copy(facts.client.to_string());
    if (known && elements.empty()) elements = arena.join("for=", forwarded_node(facts.client, arena));
  }
  const std::string_view comma = ", ";
  const std::string_view own = peer_is_unix ? "unix" : arena.copy(peer.to_string());
  const std::string_view node = peer_is_unix ? "unknown" : peer.is_v4() ? own : forwarded_node(peer, arena);
  const std::string_view host_name = facts.host.empty() ? "" : ";host=\"";
  const std::string_view host_end = facts.host.empty() ? "" : "\"";
  out.add(kForwarded, "Forwarded",
          arena.join(elements, elements.empty() ? "" : comma, "for=", node, host_name, facts.host, host_end,
                     ";proto=", facts.scheme));
  out.add(kXForwardedFor, "X-Forwarded-For", addresses.empty() ? own : arena.join(addresses, comma, own));
  out.add(kXForwardedProto, "X-Forwarded-Proto", facts.scheme);
  if (!facts.host.empty()) out.add(kXForwardedHost, "X-Forwarded-Host", facts.host);
}

}  // namespace rpx::http
