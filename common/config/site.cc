#include "config/site.h"

#include <pwd.h>

#include <unordered_set>

#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/kinds.h"
#include "policy/redirect.h"
#include "policy/respond.h"
#include "policy/rewrite.h"

namespace rpx::config {
namespace {

void read_include(Reader& reader, const Key&, const Node& node, Document&) {
  reader.report().error(node.at, "\"include\" stands in a file: it cannot be set from elsewhere");
}
Node write_nothing(const Key&, const Document&) { return list_node(); }

/// Calls `take` for each table of a list of tables.
template <class Take>
void each_table(Reader& reader, const Key& key, const Node& node, Take take) {
  if (node.kind != NodeKind::kList)
    return reader.report().error(
        node.at,
        fmt::format("\"{}\" is a list of tables: write [[{}]], not {}", key.name, key.name,
                    node.kind == NodeKind::kTable ? fmt::format("[{}]", key.name) : std::string(name_of(node.kind))));
  for (const Node& item : node.items) {
    if (item.kind == NodeKind::kTable)
      take(item);
    else
      reader.report().error(item.at,
                            fmt::format("\"{}\" is a list of tables, not of {}", key.name, name_of(item.kind)));
  }
}

void read_listeners(Reader& reader, const Key& key, const Node& node, Document& document) {
  each_table(reader, key, node, [&](const Node& item) {
    proxy::ListenOptions listener;
    reader.read_table(*key.section, item, &listener);
    if (listener.name.empty()) listener.name = listener.address;
    document.site.listen.push_back(std::move(listener));
    document.listener_tables.push_back(&item);
  });
}
Node write_listeners(const Key& key, const Document& document) {
  Node list = list_node();
  for (const proxy::ListenOptions& listener : document.site.listen)
    list.items.push_back(write_table(*key.section, &listener));
  return list;
}

void read_certificates(Reader& reader, const Key& key, const Node& node, Document& document) {
  each_table(reader, key, node, [&](const Node& item) {
    tls::CertificateOptions certificate;
    reader.read_table(*key.section, item, &certificate);
    document.site.certificates.push_back(std::move(certificate));
    document.certificate_tables.push_back(&item);
  });
}
Node write_certificates(const Key& key, const Document& document) {
  Node list = list_node();
  for (const tls::CertificateOptions& certificate : document.site.certificates)
    list.items.push_back(write_table(*key.section, &certificate));
  return list;
}

void read_bans(Reader& reader, const Key& key, const Node& node, Document& document) {
  each_table(reader, key, node, [&](const Node& item) {
    policy::BanOptions ban;
    const std::size_t errors = reader.report().errors();
    reader.read_table(*key.section, item, &ban);
    if (ban.when.status.empty() && reader.report().errors() == errors)
      reader.report().error(item.at, "a ban needs to know what is too much: add when = { status = [401, 403] }");
    document.site.bans.push_back(std::move(ban));
  });
}
Node write_bans(const Key& key, const Document& document) {
  Node list = list_node();
  for (const policy::BanOptions& ban : document.site.bans) list.items.push_back(write_table(*key.section, &ban));
  return list;
}

void read_upstreams(Reader& reader, const Key& key, const Node& node, Document& document) {
  if (node.kind != NodeKind::kTable) return reader.wrong_type(key, node);
  for (const Entry& entry : node.entries) {
    if (entry.node.kind != NodeKind::kTable) {
      reader.report().error(entry.at, fmt::format("[upstream] holds named tables only: write [upstream.NAME] above {}",
                                                  in_quotes(entry.name)));
      continue;
    }
    if (const Complaint complaint = check_name(entry.name))
      reader.report().error(entry.at, fmt::format("bad name {}: {}", in_quotes(entry.name), *complaint));
    upstream::UpstreamOptions upstream;
    upstream.name = entry.name;
    reader.read_table(*key.section, entry.node, &upstream);
    document.site.upstreams.push_back(std::move(upstream));
    document.upstream_tables.push_back(&entry);
  }
}
Node write_upstreams(const Key& key, const Document& document) {
  Node table;
  for (const upstream::UpstreamOptions& upstream : document.site.upstreams)
    table.add(upstream.name, write_table(*key.section, &upstream));
  return table;
}

void read_defaults(Reader& reader, const Key& key, const Node& node, Document& document) {
  if (node.kind != NodeKind::kTable) return reader.wrong_type(key, node);
  reader.read_table(*key.section, node, &document.defaults);
}
Node write_defaults(const Key&, const Document&) { return {}; }

void read_routes(Reader& reader, const Key& key, const Node& node, Document& document) {
  each_table(reader, key, node, [&](const Node& item) {
    proxy::RouteOptions route = document.defaults;
    reader.read_table(*key.section, item, &route);
    route.origin = {reader.report().source(item.at.source).name, item.at.line};
    document.site.routes.push_back(std::move(route));
    document.route_tables.push_back(&item);
  });
}
Node write_routes(const Key& key, const Document& document) {
  Node list = list_node();
  for (const proxy::RouteOptions& route : document.site.routes) list.items.push_back(write_table(*key.section, &route));
  return list;
}

/// The names a table gives in `key`: of a map, or of a list of names; in lower case.
std::unordered_set<std::string> names_in(const Node& table, std::string_view key) {
  std::unordered_set<std::string> names;
  if (const Entry* entry = table.find(key)) {
    for (const Entry& pair : entry->node.entries) names.insert(lower(pair.name));
    for (const Node& item : entry->node.items) names.insert(lower(item.text));
  }
  return names;
}

}  // namespace

constinit const Kind<Document> kInclude =
    make_kind<Document, read_include, write_nothing>("list of paths", "a list of files");
constinit const Kind<Document> kListeners =
    make_kind<Document, read_listeners, write_listeners>("tables", "a list of tables");
constinit const Kind<Document> kCertificates =
    make_kind<Document, read_certificates, write_certificates>("tables", "a list of tables");
constinit const Kind<Document> kBans = make_kind<Document, read_bans, write_bans>("tables", "a list of tables");
constinit const Kind<Document> kUpstreams =
    make_kind<Document, read_upstreams, write_upstreams>("tables", "tables with names, such as [upstream.app]");
constinit const Kind<Document> kDefaults = make_kind<Document, read_defaults, write_defaults>("table", "a table");
constinit const Kind<Document> kRoutes = make_kind<Document, read_routes, write_routes>("tables", "a list of tables");

void check_header_rules(Reader&, const Node& table, void* rules) {
  // What this table says of a name stands against what the defaults said of it.
  auto& options = *static_cast<policy::HeaderRuleOptions*>(rules);
  const auto set = names_in(table, "set");
  const auto add = names_in(table, "add");
  const auto remove = names_in(table, "remove");
  const auto none_of = [&](const std::string& name, const auto& own, const auto& first, const auto& second) {
    const std::string key = lower(name);
    return !own.contains(key) && (first.contains(key) || second.contains(key));
  };
  std::erase_if(options.set, [&](const auto& pair) { return none_of(pair.first, set, add, remove); });
  std::erase_if(options.add, [&](const auto& pair) { return none_of(pair.first, add, set, remove); });
  std::erase_if(options.remove, [&](const std::string& name) { return none_of(name, remove, set, add); });
}

void check_redirect(Reader& reader, const Node& table, void* redirect) {
  const auto& options = *static_cast<const policy::RedirectOptions*>(redirect);
  if (options.to.empty()) return;  // missing, or wrong and reported
  // With a good status first: what is left to complain of is the template.
  const auto target = policy::Redirect::compile({.to = options.to});
  if (!target)
    reader.error_at(table, {"to"}, fmt::format("bad to {}: {}", in_quotes(options.to), target.error().detail));
  const auto status = policy::Redirect::compile({.to = "/", .status = options.status});
  if (!status)
    reader.error_at(table, {"status"}, fmt::format("bad status {}: {}", options.status, status.error().detail));
}

void check_respond(Reader& reader, const Node& table, void* respond) {
  const auto& options = *static_cast<const policy::RespondOptions*>(respond);
  // The headers were checked one by one.
  const auto compiled = policy::FixedReply::compile({.status = options.status, .body = options.body, .headers = {}});
  if (!compiled) reader.error_at(table, {"body"}, fmt::format("bad respond: {}", compiled.error().detail));
}

void check_rewrite(Reader& reader, const Node& table, void* rewrite) {
  const auto& options = *static_cast<const policy::RewriteOptions*>(rewrite);
  if (table.find("from") == nullptr || table.find("to") == nullptr) return;
  if (const Status checked = policy::check_rewrite(options); !checked)
    reader.error_at(table, {"from"}, fmt::format("bad rewrite: {}", checked.error().detail));
}

namespace {

// HTTP/2 begins with what is known of a server: by TLS, or by its being said so.
void check_protocol(Reader& reader, const Node& table, const upstream::UpstreamOptions& options) {
  if (options.protocol == "http/1.1") return;
  if (options.proxy_protocol != 0)
    reader.error_at(
        table, {"protocol"},
        "proxy_protocol names one client for each connection, and HTTP/2 shares them: leave one of the two");
  for (const upstream::ServerOptions& server : options.servers) {
    const bool secure = server.url.starts_with("https://");
    if (options.protocol == "h2" && !secure)
      reader.error_at(
          table, {"protocol"},
          fmt::format("h2 is for https servers, and {} is none; in the clear it is called h2c", server.url));
    if (options.protocol == "h2c" && secure)
      reader.error_at(table, {"protocol"},
                      fmt::format("h2c is for servers without TLS, and {} has it; there it is called h2", server.url));
    if (server.url.starts_with("tcp://"))
      reader.error_at(table, {"protocol"}, "protocol is about HTTP, and tcp:// servers are for what is not");
  }
}

}  // namespace

void check_upstream(Reader& reader, const Node& table, void* upstream) {
  const auto& options = *static_cast<const upstream::UpstreamOptions*>(upstream);
  const Entry* servers = table.find("servers");
  if (servers == nullptr && options.servers_file.empty())
    reader.error_at(
        table, {},
        R"([upstream.NAME] needs "servers", such as servers = ["http://127.0.0.1:3000"], or "servers_file")");
  if (servers != nullptr && servers->node.kind == NodeKind::kList && servers->node.items.empty() &&
      options.servers_file.empty())
    reader.error_at(table, {"servers"}, "bad servers []: expected at least one server, or a servers_file");
  check_protocol(reader, table, options);
  const Entry* hash = table.find("hash");
  if (options.balance == "hash" && options.hash.empty() &&
      !(hash != nullptr && hash->node.kind == NodeKind::kText && !hash->node.text.empty()))
    reader.error_at(table, {"balance"}, R"(balance "hash" needs to know what: add hash = "{header:X-User}")");
  if (options.balance != "hash" && !options.hash.empty())
    reader.error_at(table, {"hash"},
                    fmt::format(R"("hash" is for balance = "hash", not {})", in_quotes(options.balance)));
}

void check_health(Reader& reader, const Node& table, void* health) {
  const auto& options = *static_cast<const upstream::HealthOptions*>(health);
  const std::string_view way = options.tcp ? "tcp" : options.tls ? "tls" : options.grpc ? "grpc" : "";
  if (int{options.tcp} + int{options.tls} + int{options.grpc} > 1)
    reader.error_at(table, {options.grpc ? "grpc" : "tls"},
                    "tcp, tls and grpc are three ways to check: give one of them");
  if (!options.service.empty() && !options.grpc)
    reader.error_at(table, {"service"}, "service is for checks with grpc = true");
  for (const std::string_view name : {"path", "method", "headers", "status", "body"})
    if (!way.empty() && table.find(name) != nullptr && !(name == "headers" && options.grpc))
      reader.error_at(table, {name},
                      fmt::format("{} says nothing where {} = true: {}", name, way,
                                  options.grpc ? "what is asked is laid down" : "no request is sent"));
  if (!options.body.empty() && options.method == "HEAD")
    reader.error_at(table, {"body"}, "a reply to HEAD has no body");
}

void check_eject(Reader& reader, const Node& table, void* eject) {
  const auto& options = *static_cast<const upstream::EjectOptions*>(eject);
  if (options.errors == 0 && options.failure_rate <= 0 && options.latency == 0)
    reader.error_at(table, {"errors"},
                    "with errors = 0, no failure_rate and no latency no server is ever ejected: leave the table out");
  if (options.latency == 1)
    reader.error_at(table, {"latency"}, "bad latency 1: half of the servers are always slower than the other half");
}

void check_sticky(Reader& reader, const Node& table, void* sticky) {
  const auto& options = *static_cast<const upstream::StickyOptions*>(sticky);
  const int ways = int{!options.cookie.empty()} + int{!options.learn.empty()} + int{!options.source.empty()};
  if (ways == 0)
    reader.error_at(table, {}, R"(sticky needs to know what a session is: add cookie = "rpx", learn or source)");
  if (ways > 1)
    reader.error_at(table, {options.learn.empty() ? "source" : "learn"},
                    "a session is known by one of cookie, learn and source: leave one of them");
}

void check_breaker(Reader& reader, const Node& table, void* breaker) {
  const auto& options = *static_cast<const upstream::BreakerOptions*>(breaker);
  if (options.failure_rate <= 0 && options.pending == 0)
    reader.error_at(table, {"failure_rate"},
                    "with failure_rate = 0% and no pending no circuit ever opens: leave the table out");
}

void check_serve(Reader& reader, const Node& table, void* serve) {
  const std::string& user = static_cast<const proxy::ServeOptions*>(serve)->user;
  if (user.empty() || !reader.check_files()) return;
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  if (::getpwnam_r(user.c_str(), &entry, buffer, sizeof buffer, &found) == 0 && found == nullptr)
    reader.error_at(table, {"user"}, fmt::format("there is no user {}", in_quotes(user)));
}

}  // namespace rpx::config
