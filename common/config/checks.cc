#include "config/checks.h"

#include <sys/un.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/text.h"
#include "config/problem.h"
#include "config/reader.h"
#include "policy/header_rules.h"
#include "policy/respond.h"
#include "proxy/router.h"
#include "upstream/health_options.h"

namespace rpx::config {
namespace {

constexpr std::size_t kMostNameBytes = 300;  // an address is a name too
constexpr std::size_t kMostHostBytes = 253;  // RFC 1035 section 2.3.4

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_token_byte(char c) {
  return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= kMostHostBytes && !host.starts_with('.') &&
         std::ranges::all_of(host, [](char c) { return is_alphanumeric(c) || c == '-' || c == '.' || c == '_'; });
}

/// "name", "1.2.3.4" or "[::1]".
bool is_host(std::string_view host) {
  if (!host.starts_with('[')) return is_host_name(host);
  if (!host.ends_with(']')) return false;
  const std::optional<IpAddress> ip = IpAddress::parse(host.substr(1, host.size() - 2));
  return ip && host.find(':') != std::string_view::npos;
}

bool is_port(std::string_view text, std::uint64_t least) {
  const std::optional<std::uint64_t> port = parse_uint(text);
  return port && *port >= least && *port <= 65535;
}

/// Splits "host:port" at the last colon that is not inside brackets; no port where there is none.
std::pair<std::string_view, std::optional<std::string_view>> split_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.find(']', colon) != std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

/// What a result complains of. Where it is wrong the report says better: `lead` is taken off.
template <class T>
Complaint complaint_of(const Result<T>& result, std::string_view lead = {}) {
  if (result) return std::nullopt;
  const std::string_view detail = result.error().detail;
  return std::string(detail.starts_with(lead) ? detail.substr(lead.size()) : detail);
}

std::optional<std::uint64_t> status_number(std::string_view text, std::uint64_t least) {
  const std::optional<std::uint64_t> number = parse_uint(text);
  return text.size() == 3 && number && *number >= least && *number <= 599 ? number : std::nullopt;
}

bool is_descriptor(std::string_view text) noexcept {
  const std::optional<std::uint64_t> number = parse_uint(text);
  return number && *number <= 1'000'000;
}

/// A name that a service manager may give a socket (sd_listen_fds_with_names(3)): no number, which would be another's.
bool is_socket_name(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 255;
  const auto may_stand = [](char c) { return c > ' ' && c < 0x7f && c != ':'; };
  return !text.empty() && text.size() <= kLongest && std::ranges::all_of(text, may_stand) &&
         text.find_first_not_of("0123456789") != std::string_view::npos;
}

}  // namespace

Complaint check_listen_address(std::string_view text) {
  constexpr std::string_view expected =
      R"(expected "host:port", ":port", "[::1]:port", "unix:path", "fd:N" or "fd:NAME")";
  if (text.starts_with("unix:")) return text.size() > 5 ? std::nullopt : Complaint(expected);
  if (text.starts_with("fd:"))
    return is_descriptor(text.substr(3)) || is_socket_name(text.substr(3)) ? std::nullopt : Complaint(expected);
  if (text.starts_with("http://") || text.starts_with("https://"))
    return "a listener has an address, not a URL, such as \":8080\"";
  const auto [host, port] = split_port(text);
  if (!port) return Complaint(expected);
  if (!is_port(*port, 0)) return fmt::format("the port must be a number from 0 to 65535, not {}", in_quotes(*port));
  if (host.find(':') != std::string_view::npos && !host.starts_with('['))
    return fmt::format("an IPv6 address stands in brackets: \"[{}]:{}\"", host, *port);
  return host.empty() || is_host(host) ? std::nullopt : Complaint(expected);
}

bool looks_like_server(std::string_view text) noexcept {
  return text.find("://") != std::string_view::npos || text.starts_with("unix:");
}

Complaint check_server_url(std::string_view text) {
  constexpr std::string_view expected =
      R"(expected "http://host:port", "https://host:port", "tcp://host:port" or "unix:path")";
  if (text.starts_with("unix:")) return text.size() > 5 ? std::nullopt : Complaint(expected);
  const bool secure = text.starts_with("https://");
  const bool tcp = text.starts_with("tcp://");
  if (!secure && !tcp && !text.starts_with("http://")) return Complaint(expected);
  std::string_view authority = text.substr(text.find("//") + 2);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  if (authority.find('@') != std::string_view::npos) return "a server's URL has no user";
  if (authority.find_first_of("/?#") != std::string_view::npos)
    return "a server's URL has no path: use strip_prefix or rewrite in the route";
  const auto [host, port] = split_port(authority);
  if (port && !is_port(*port, 1))
    return fmt::format("the port must be a number from 1 to 65535, not {}", in_quotes(*port));
  if (tcp && !port) return "a tcp:// server has a port, such as \"tcp://127.0.0.1:5432\"";
  if (host.find(':') != std::string_view::npos && !host.starts_with('['))
    return "an IPv6 address stands in brackets: \"http://[::1]:8080\"";
  return is_host(host) ? std::nullopt : Complaint(expected);
}

Complaint check_service(std::string_view text) {
  if (text.empty() || (text.starts_with('_') && text.find('.') != std::string_view::npos && is_host_name(text)))
    return std::nullopt;
  return R"(expected the name of a service such as "_http._tcp.example.com")";
}

Complaint check_cookie_name(std::string_view text) { return text.empty() ? Complaint() : check_token(text); }

Complaint check_session_source(std::string_view text) {
  return text.empty() || text == "ip" ? Complaint() : Complaint(R"(expected "ip")");
}

Complaint check_grpc_service(std::string_view text) {
  for (const char c : text)
    if (c < '!' || c > '~') return "expected the name of a service such as \"app.Shop\"";
  return std::nullopt;
}

Complaint check_dns_server(std::string_view text) {
  const auto [host, port] = split_port(text);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  const std::string_view ip = bracketed ? host.substr(1, host.size() - 2) : host;
  if (IpAddress::parse(ip) && port && is_port(*port, 1) && bracketed == (ip.find(':') != std::string_view::npos))
    return std::nullopt;
  return R"(expected an address and a port such as "127.0.0.1:53" or "[::1]:53")";
}

Complaint check_sni_name(std::string_view text) {
  const std::string_view name = text.starts_with("*.") ? text.substr(2) : text;
  if (text == "*" || is_host_name(name)) return std::nullopt;
  return R"(expected a name such as "db.example", "*.example" or "*")";
}

Complaint check_socket_path(std::string_view path) {
  constexpr std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
  if (path.find('\0') != std::string_view::npos) return "a path holds no NUL byte";
  if (path.size() <= most) return std::nullopt;
  return fmt::format("the path of a Unix socket may have {} bytes; this one, made absolute, has {}", most, path.size());
}

Complaint check_name(std::string_view text) {
  if (text.empty()) return "a name cannot be empty";
  if (text.starts_with("unix:")) return std::nullopt;  // what has no name is called by its address, whatever its path
  if (text.size() > kMostNameBytes) return fmt::format("a name may have {} bytes", kMostNameBytes);
  const bool fine = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
  return fine ? std::nullopt : Complaint("a name is made of visible ASCII characters without quotes and backslashes");
}

Complaint check_token(std::string_view text) {
  if (!text.empty() && std::ranges::all_of(text, is_token_byte)) return std::nullopt;
  return "expected letters, digits, and - _ . ! # $ % & ' * + ^ ` | ~";
}

Complaint check_method(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kKnown{"GET",     "HEAD",  "POST",  "PUT",    "DELETE",
                                                          "OPTIONS", "TRACE", "PATCH", "CONNECT"};
  if (Complaint complaint = check_token(text)) return complaint;
  for (std::string_view known : kKnown)
    if (text != known && iequals(text, known))
      return fmt::format("methods are case-sensitive; did you mean \"{}\"?", known);
  return std::nullopt;
}

Complaint check_field_value(std::string_view text) {
  for (char c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
      return "a field value holds no control characters";
  if (trim(text) != text) return "a field value has no blanks at its ends";
  return std::nullopt;
}

Complaint check_host_value(std::string_view text) {
  const auto [host, port] = split_port(text);
  if (is_host(host) && (!port || is_port(*port, 1))) return std::nullopt;
  return R"(expected "preserve", "server" or a host name)";
}

Complaint check_host_pattern(std::string_view text) {
  return complaint_of(proxy::check_host_pattern(text), fmt::format("host \"{}\": ", text));
}

Complaint check_path_pattern(std::string_view text) {
  return complaint_of(proxy::check_path_pattern(text), fmt::format("path \"{}\": ", text));
}

Complaint check_path_prefix(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (!text.starts_with('/')) return R"(expected a path such as "/v1")";
  if (text.find_first_of("*?#") != std::string_view::npos)
    return R"(expected a path without wildcard and query, such as "/v1")";
  return check_field_value(text);
}

Complaint check_retry_status(std::string_view text) {
  if (status_number(text, 400)) return std::nullopt;
  return R"(expected "connect", "timeout", "reset" or a status such as "503")";
}

Complaint check_probe_path(std::string_view text) {
  const bool visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
  if (text.starts_with('/') && visible) return std::nullopt;
  return R"(expected a path such as "/healthz", with a query if need be)";
}

Complaint check_status_range(std::string_view text) {
  if (upstream::is_status_range(text)) return std::nullopt;
  return R"(expected a status such as "200" or a range such as "200-399", from 100 to 599)";
}

Complaint check_error_status(std::string_view text) {
  if (text == "4xx" || text == "5xx" || status_number(text, 400)) return std::nullopt;
  return R"(expected a status from 400 to 599, "4xx" or "5xx")";
}

Complaint check_header_rule(std::string_view text, policy::TemplateUse use, HeaderPart part) {
  policy::HeaderRuleOptions rule;
  switch (part) {
    case HeaderPart::kSetName: rule.set.emplace_back(text, "x"); break;
    case HeaderPart::kAddName: rule.add.emplace_back(text, "x"); break;
    case HeaderPart::kRemoveName: rule.remove.emplace_back(text); break;
    case HeaderPart::kValue: rule.set.emplace_back("X-Checked", text); break;
  }
  return complaint_of(policy::HeaderRules::compile(rule, use), "X-Checked: ");
}

Complaint check_reply_header(std::string_view text, bool value) {
  policy::RespondOptions reply;
  reply.headers.emplace_back(value ? "X-Checked" : text, value ? text : "x");
  return complaint_of(policy::FixedReply::compile(reply), "X-Checked: ");
}

Complaint check_hash(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto parsed = policy::TextTemplate::parse(text, policy::TemplateUse::kRequest);
  if (parsed && parsed->is_literal())
    return R"(it is the same for every request: expected a template such as "{header:X-User}")";
  return complaint_of(parsed);
}

Complaint check_media_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  const bool whole = slash != std::string_view::npos;
  const std::string_view type = text.substr(0, slash);
  const std::string_view subtype = whole ? text.substr(slash + 1) : std::string_view();
  if (whole && !check_token(type) && !check_token(subtype) && (type != "*" || subtype == "*")) return std::nullopt;
  return R"(expected a media type such as "text/html", "text/*" or "*/*")";
}

Complaint check_log_format(std::string_view text) {
  if (text.find('{') == std::string_view::npos)
    return R"(expected "json", "common", "combined" or a template such as "{client} {method} {path} {status}")";
  if (text.find_first_of("\n\r") != std::string_view::npos) return "a log line is one line";
  return complaint_of(policy::TextTemplate::parse(text, policy::TemplateUse::kLog));
}

}  // namespace rpx::config
