// [rate_limit.NAME], [access.NAME] and the routes that name them.
#include <fmt/format.h>

#include "config/named.h"
#include "policy/access.h"
#include "policy/basic_auth.h"
#include "policy/jwt_auth.h"
#include "policy/rate_limit.h"

namespace rpx::config {
namespace {

using AccessRules = std::vector<policy::AccessRuleOptions>;

void read_access_rules(Reader& reader, const Key& key, const Node& node, AccessRules& field) {
  if (node.kind != NodeKind::kList) return reader.wrong_type(key, node);
  field.clear();
  for (const Node& item : node.items) {
    policy::AccessRuleOptions rule;
    if (item.kind != NodeKind::kTable) {
      reader.wrong_type(key, item);
      continue;
    }
    const std::size_t errors = reader.report().errors();
    reader.read_table(*key.section, item, &rule);
    if (rule.allow.empty() == rule.deny.empty() && reader.report().errors() == errors)
      reader.report().error(item.at, "a rule has either allow or deny, with addresses or \"all\"");
    field.push_back(std::move(rule));
  }
}

Node write_access_rules(const Key& key, const AccessRules& field) {
  Node list;
  list.kind = NodeKind::kList;
  for (const policy::AccessRuleOptions& rule : field) list.items.push_back(write_table(*key.section, &rule));
  return list;
}

// Whether every request matches the rule.
bool takes_all(const policy::AccessRuleOptions& rule) {
  const auto all = [](const std::vector<std::string>& list) { return std::ranges::find(list, "all") != list.end(); };
  return (all(rule.allow) || all(rule.deny)) && rule.methods.empty() && rule.path.empty() && rule.header.empty() &&
         rule.certificate.empty();
}

}  // namespace

constinit const Kind<Document> kRateLimits =
    make_kind<Document, read_named<&proxy::SiteOptions::rate_limits>, write_named<&proxy::SiteOptions::rate_limits>>(
        "tables", "tables with names, such as [rate_limit.api]");
constinit const Kind<Document> kAccessLists =
    make_kind<Document, read_named<&proxy::SiteOptions::access>, write_named<&proxy::SiteOptions::access>>(
        "tables", "tables with names, such as [access.office]");
constinit const Kind<AccessRules> kAccessRules = make_kind<AccessRules, read_access_rules, write_access_rules>(
    "list of rules", R"(a list of rules such as [{ allow = ["10.0.0.0/8"] }, { deny = ["all"] }])");

Complaint check_access_address(std::string_view text) {
  if (text == "all" || IpPrefix::parse(text)) return std::nullopt;
  return R"(expected an address, a prefix such as "10.0.0.0/8", or "all")";
}

Complaint check_rate_key(std::string_view text) {
  const auto parsed = policy::TextTemplate::parse(text, policy::TemplateUse::kRequest);
  return parsed ? std::nullopt : Complaint(parsed.error().detail);
}

Complaint check_access_path(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const std::size_t star = text.find('*');
  const bool fine =
      text.starts_with('/') && (star == std::string_view::npos || (text.ends_with("/*") && star == text.size() - 1));
  return fine ? std::nullopt : Complaint(R"(expected a path such as "/admin", or what is below one: "/admin/*")");
}

void check_access(Reader& reader, const Node& table, void* access) {
  const auto& options = *static_cast<const policy::AccessOptions*>(access);
  if (options.basic_auth && options.jwt)
    reader.error_at(table, {"jwt"}, "basic_auth and jwt both read Authorization: one access has one of them");
  for (std::size_t i = 0; i + 1 < options.rules.size(); ++i)
    if (takes_all(options.rules[i])) {
      reader.error_at(table, {"rules"},
                      fmt::format("rule {} matches everything, so that those after it never do", i + 1));
      return;
    }
  // What a rule list means for whom it does not mention is not for us to guess.
  if (!options.rules.empty() && !takes_all(options.rules.back()))
    reader.error_at(table, {"rules"},
                    R"(no rule says what holds for the rest: add { deny = ["all"] } or { allow = ["all"] })");
}

Complaint check_passwords(std::string_view path) {
  const auto read = policy::BasicAuth::open({.file = std::string(path)});
  return read ? std::nullopt : Complaint(read.error().detail);
}

Complaint check_keys_url(std::string_view text) { return text.empty() ? std::nullopt : check_auth_url(text); }

Complaint check_auth_url(std::string_view text) {
  constexpr std::string_view kExpected =
      R"(expected a URL such as "http://127.0.0.1:9091/verify", or a path where upstream is given)";
  const std::string server = policy::auth_server_of(std::string(text));
  const std::string_view path = text.substr(server.size());
  if (server.empty() ? !path.starts_with('/') : server.starts_with("tcp://")) return Complaint(kExpected);
  if (!server.empty())
    if (const Complaint complaint = check_server_url(server)) return complaint;
  return path.empty() ? std::nullopt : check_probe_path(path.starts_with('?') ? "/" + std::string(path) : path);
}

namespace {

void check_auth_server(Reader& reader, const Node& table, const std::string& url, const std::string& upstream) {
  if (url.empty()) return;  // missing, or wrong and reported
  const bool has_server = !policy::auth_server_of(url).empty();
  if (has_server && !upstream.empty())
    reader.error_at(table, {"upstream"}, "url names a server and upstream another: with upstream, url is a path");
  if (!has_server && upstream.empty())
    reader.error_at(table, {"url"}, "a path alone does not say whom to ask: give the URL of a server, or add upstream");
}

}  // namespace

void check_forward_auth(Reader& reader, const Node& table, void* auth) {
  const auto& options = *static_cast<const policy::ForwardAuthOptions*>(auth);
  check_auth_server(reader, table, options.url, options.upstream);
}

Complaint check_keys(std::string_view path) {
  if (path.empty()) return std::nullopt;
  const auto read = policy::JwtAuth::open({.file = std::string(path)});
  return read ? std::nullopt : Complaint(read.error().detail);
}

Complaint check_admin_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (text.empty()) return std::nullopt;
  if (text.starts_with("unix:") || text.starts_with("fd:") || colon == std::string_view::npos || colon == 0)
    return R"(expected a host and a port such as "127.0.0.1:9100")";
  return std::nullopt;
}

Complaint check_admin_token(std::string_view text) {
  constexpr std::size_t kLeast = 16;
  if (text.empty()) return std::nullopt;
  if (text.size() < kLeast) return "a token has at least 16 characters; make one with: openssl rand -hex 32";
  return check_token(text) ? Complaint("a token has letters, digits and -._~+ only") : std::nullopt;
}

void check_admin(Reader& reader, const Node& table, void* admin) {
  const auto& options = *static_cast<const proxy::AdminOptions*>(admin);
  const Entry* token = table.find("token");
  const Entry* address = table.find("address");
  const bool nowhere = options.address.empty() && (address == nullptr || address->node.text.empty());
  if (token != nullptr && !options.token.empty() && nowhere)
    reader.report().warning(token->at, "without address nothing is served over TCP, and the token is for nobody");
}

Complaint check_claim_field(std::string_view name) {
  return check_header_rule(name, policy::TemplateUse::kRequest, HeaderPart::kSetName);
}

void check_jwt(Reader& reader, const Node& table, void* jwt) {
  const auto& options = *static_cast<const policy::JwtOptions*>(jwt);
  // One that was wrong and reported has left no value, but is what was meant.
  const auto given = [&table](std::string_view name) {
    const Entry* entry = table.find(name);
    return entry != nullptr && (entry->node.kind != NodeKind::kText || entry->node.broken || !entry->node.text.empty());
  };
  if (given("file") && given("url")) reader.error_at(table, {"url"}, "the keys are in a file or at a url, not both");
  if (!given("file") && !given("url"))
    reader.report().error(table.at,
                          R"(jwt needs the keys that tokens are signed with: add file = "keys.json", or url)");
  check_auth_server(reader, table, options.url, options.upstream);
  const bool of_secrets =
      std::ranges::any_of(options.algorithms, [](const auto& name) { return name.starts_with("HS"); });
  if (!options.url.empty() && of_secrets)
    reader.error_at(table, {"algorithms"},
                    "secrets are taken from a file alone: HS256, HS384 and HS512 do not go with url");
}

namespace {

// A URL of a server is an upstream by that name.
void add_auth_upstream(Reader& reader, std::vector<upstream::UpstreamOptions>& upstreams, std::string_view access,
                       std::string_view what, const std::string& url, const std::string& upstream) {
  const std::string name = policy::auth_upstream_of(url, upstream);
  if (name.empty() || std::ranges::find(upstreams, name, &upstream::UpstreamOptions::name) != upstreams.end()) return;
  if (!upstream.empty()) {
    reader.report().error({}, fmt::format("access \"{}\": {}: there is no upstream {}: add [upstream.{}]", access, what,
                                          in_quotes(name), name));
    return;
  }
  upstream::UpstreamOptions made;
  made.name = name;
  made.servers.push_back({.url = name});
  upstreams.push_back(std::move(made));
}

}  // namespace

void resolve_auth(Reader& reader, Document& document) {
  auto& upstreams = document.site.upstreams;
  for (const policy::AccessOptions& access : document.site.access) {
    if (const auto& forward = access.forward_auth; forward && !forward->url.empty())
      add_auth_upstream(reader, upstreams, access.name, "forward_auth", forward->url, forward->upstream);
    if (const auto& jwt = access.jwt; jwt && !jwt->url.empty())
      add_auth_upstream(reader, upstreams, access.name, "jwt", jwt->url, jwt->upstream);
  }
}

void check_admission(Reader& reader, const Document& document) {
  for (std::size_t i = 0; i < document.site.routes.size(); ++i) {
    const proxy::RouteOptions& route = document.site.routes[i];
    const Node& table = *document.route_tables[i];
    check_named(reader, table, "access", route.access, document.site.access);
    check_named(reader, table, "fault", route.fault, document.site.faults);
    for (const std::string& name : route.rate_limit)
      check_named(reader, table, "rate_limit", name, document.site.rate_limits);
  }
}

}  // namespace rpx::config
