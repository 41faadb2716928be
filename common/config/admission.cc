// [rate_limit.NAME], [access.NAME] and the routes that name them.
#include <fmt/format.h>

#include "config/named.h"
#include "policy/access.h"
#include "policy/basic_auth.h"
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

void check_forward_auth(Reader& reader, const Node& table, void* auth) {
  const auto& options = *static_cast<const policy::ForwardAuthOptions*>(auth);
  if (options.url.empty()) return;  // missing, or wrong and reported
  const bool has_server = !policy::auth_server_of(options.url).empty();
  if (has_server && !options.upstream.empty())
    reader.error_at(table, {"upstream"}, "url names a server and upstream another: with upstream, url is a path");
  if (!has_server && options.upstream.empty())
    reader.error_at(table, {"url"}, "a path alone does not say whom to ask: give the URL of a server, or add upstream");
}

void resolve_auth(Reader& reader, Document& document) {
  auto& upstreams = document.site.upstreams;
  for (const policy::AccessOptions& access : document.site.access) {
    if (!access.forward_auth || access.forward_auth->url.empty()) continue;
    const std::string name = policy::auth_upstream_of(*access.forward_auth);
    if (name.empty() || std::ranges::find(upstreams, name, &upstream::UpstreamOptions::name) != upstreams.end())
      continue;
    if (!access.forward_auth->upstream.empty()) {
      reader.report().error({}, fmt::format("access \"{}\": forward_auth: there is no upstream {}: add [upstream.{}]",
                                            access.name, in_quotes(name), name));
      continue;
    }
    upstream::UpstreamOptions made;
    made.name = name;
    made.servers.push_back({.url = name});
    upstreams.push_back(std::move(made));
  }
}

void check_admission(Reader& reader, const Document& document) {
  for (std::size_t i = 0; i < document.site.routes.size(); ++i) {
    const proxy::RouteOptions& route = document.site.routes[i];
    const Node& table = *document.route_tables[i];
    check_named(reader, table, "access", route.access, document.site.access);
    for (const std::string& name : route.rate_limit)
      check_named(reader, table, "rate_limit", name, document.site.rate_limits);
  }
}

}  // namespace rpx::config
