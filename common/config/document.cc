// The checks that look at the whole site.
#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/kinds.h"
#include "config/site.h"
#include "proxy/router.h"

namespace rpx::config {
namespace {

Position position_of(const Node& table, std::string_view name) {
  const Entry* entry = table.find(name);
  return entry == nullptr ? table.at : entry->node.at;
}

/// Names that are taken, and where.
using Taken = std::unordered_map<std::string, Position>;

/// False, with an error reported, where the name is taken.
bool take_name(Reader& reader, Taken& taken, std::string_view what, const std::string& name, const Position& at) {
  if (name.empty()) return true;  // wrong, and reported
  const auto [first, fresh] = taken.emplace(name, at);
  if (!fresh)
    reader.report().error(at, fmt::format("{} {} is there twice: first at {}", what, in_quotes(name),
                                          reader.report().place(first->second)));
  return fresh;
}

/// Whether the kernel is to pick a port, so that several listeners may ask for the same.
bool has_any_port(std::string_view address) {
  return address.ends_with(":0") && !address.starts_with("unix:") && !address.starts_with("fd:");
}

/// Whether a list of tables is missing or empty; one of the wrong type was reported.
bool is_missing(const Node& root, std::string_view name) {
  const Entry* entry = root.find(name);
  return entry == nullptr || (entry->node.kind == NodeKind::kList && entry->node.items.empty());
}

void check_listeners(Reader& reader, const Document& document, const Node& root) {
  if (is_missing(root, "listen"))
    reader.report().error({}, "no listener: add [[listen]] with an address such as \":8080\"");
  Taken names;
  Taken addresses;
  for (std::size_t i = 0; i < document.listener_tables.size(); ++i) {
    const proxy::ListenOptions& listener = document.site.listen[i];
    const Node& table = *document.listener_tables[i];
    const bool fresh = has_any_port(listener.address) ||
                       take_name(reader, addresses, "address", listener.address, position_of(table, "address"));
    if (fresh)
      take_name(reader, names, "listener", listener.name,
                position_of(table, table.find("name") == nullptr ? "address" : "name"));
  }
}

void name_routes(Reader& reader, Document& document) {
  Taken taken;
  for (std::size_t i = 0; i < document.route_tables.size(); ++i) {
    proxy::RouteOptions& route = document.site.routes[i];
    if (route.name.empty()) route.name = fmt::format("route-{}", i + 1);
    take_name(reader, taken, "route", route.name, position_of(*document.route_tables[i], "name"));
  }
}

/// A route does exactly one thing.
void check_action(Reader& reader, const proxy::RouteOptions& route, const Node& table) {
  static constexpr std::array<std::string_view, 4> kActions{"upstream", "split", "redirect", "respond"};
  std::vector<std::string_view> actions;
  for (std::string_view name : kActions) {
    const Entry* entry = table.find(name);
    // The effective configuration has every key; a split among none is none.
    const bool none =
        entry == nullptr || (name == "split" && entry->node.kind == NodeKind::kTable && entry->node.entries.empty());
    if (!none) actions.push_back(name);
  }
  const bool mistyped = std::ranges::any_of(
      table.entries, [](const Entry& entry) { return !did_you_mean(entry.name, kActions).empty(); });
  if (actions.empty() && !mistyped)
    reader.report().error(table.at,
                          fmt::format("route \"{}\" does nothing: give it upstream, redirect or respond", route.name));
  if (actions.size() > 1)
    reader.report().error(
        position_of(table, actions[1]),
        fmt::format("route \"{}\" has both {} and {}: give it one of them", route.name, actions[0], actions[1]));
}

void check_mirror(Reader& reader, const proxy::RouteOptions& route, const Node& table) {
  if (route.mirror && (route.redirect || route.respond))
    reader.report().error(position_of(table, "mirror"),
                          fmt::format("route \"{}\" answers by itself: nothing goes to a server, and a mirror gets "
                                      "copies of what does",
                                      route.name));
}

class UpstreamNames {
 public:
  UpstreamNames(Reader& reader, Document& document) : reader_(reader), document_(document) {
    for (std::size_t i = 0; i < document.upstream_tables.size(); ++i) {
      const std::string& name = document.site.upstreams[i].name;
      take_name(reader, taken_, "upstream", name, document.upstream_tables[i]->at);
    }
    for (const upstream::UpstreamOptions& upstream : document.site.upstreams) names_.insert(upstream.name);
  }

  /// Makes `named`, which `table` has as its entry `key`, the name of an upstream, which a URL becomes by being one.
  void resolve(std::string& named, const Node& table, std::string_view key) {
    const Entry* entry = table.find(key);
    if (entry == nullptr || entry->node.broken || names_.contains(named)) return;
    if (entry->node.kind == NodeKind::kInteger) return dangling(named, entry->node);  // a weight, under the name
    if (entry->node.kind != NodeKind::kText) return;
    if (!looks_like_server(named)) return dangling(named, entry->node);

    static constexpr Key kUrl = {.name = "upstream", .extra = {.check = check_server_url}};
    upstream::UpstreamOptions upstream;
    upstream.servers.emplace_back();
    const std::size_t errors = reader_.report().errors();
    kAddress.read(reader_, kUrl, entry->node, &upstream.servers.front().url);
    if (reader_.report().errors() > errors) return;
    upstream.name = upstream.servers.front().url;
    named = upstream.name;
    if (names_.insert(upstream.name).second) document_.site.upstreams.push_back(std::move(upstream));
  }

 private:
  void dangling(const std::string& named, const Node& node) {
    std::string_view near;
    if (reader_.report().errors() < kMostSuggestions) {
      const std::vector<std::string_view> known(names_.begin(), names_.end());
      near = did_you_mean(named, known);
    }
    std::string hint;
    if (!near.empty())
      hint = fmt::format("; did you mean \"{}\"?", near);
    else if (named.find(':') != std::string::npos && !check_server_url("http://" + named))
      hint = fmt::format("; did you mean \"http://{}\"?", named);
    else if (!named.empty())
      hint = fmt::format(": add [upstream.{}], or give the URL of a server", named);
    reader_.report().error(node.at, fmt::format("there is no upstream {}{}", in_quotes(named), hint));
  }

  Reader& reader_;
  Document& document_;
  Taken taken_;
  std::set<std::string> names_;
};

/// The part of a path pattern that every path it matches begins with; nothing for a regular expression.
std::optional<std::string_view> fixed_part(std::string_view pattern) {
  if (pattern.starts_with('~')) return std::nullopt;
  if (pattern.ends_with("/*")) pattern.remove_suffix(2);
  return pattern;
}

void warn_prefix(Reader& reader, const proxy::RouteOptions& route, const Node& table) {
  std::string_view prefix = route.strip_prefix;
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  const std::optional<std::string_view> path = fixed_part(route.path);
  if (prefix.empty() || !path) return;
  const std::size_t common = std::min(prefix.size(), path->size());
  if (prefix.substr(0, common) == path->substr(0, common)) return;
  reader.report().warning(position_of(table, "strip_prefix"),
                          fmt::format("strip_prefix {} never applies: the route's path is {}",
                                      in_quotes(route.strip_prefix), in_quotes(route.path)));
}

void warn_unused(Reader& reader, const Document& document) {
  std::unordered_set<std::string_view> used;
  for (const proxy::RouteOptions& route : document.site.routes) {
    used.insert(route.upstream);
    for (const auto& [upstream, weight] : route.split) used.insert(upstream);
    if (route.mirror) used.insert(route.mirror->upstream);
  }
  for (const proxy::ListenOptions& listener : document.site.listen) {
    used.insert(listener.upstream);
    for (const auto& [name, upstream] : listener.sni) used.insert(upstream);
    for (const auto& [name, upstream] : listener.pass) used.insert(upstream);
  }
  for (const policy::AccessOptions& access : document.site.access)
    if (access.forward_auth) used.insert(access.forward_auth->upstream);
  for (const Entry* entry : document.upstream_tables)
    if (!used.contains(entry->name))
      reader.report().warning(entry->at, fmt::format("no route uses upstream {}", in_quotes(entry->name)));
}

}  // namespace

void check_document(Reader& reader, Document& document, const Node& root) {
  check_listeners(reader, document, root);
  const bool http =
      document.site.listen.empty() || !std::ranges::all_of(document.site.listen, &proxy::ListenOptions::is_tcp);
  if (http && is_missing(root, "route"))
    reader.report().error({}, "no route: add [[route]] with an upstream such as \"http://127.0.0.1:3000\"");
  check_certificates_of(reader, document);
  check_challenges(reader, document, root);
  name_routes(reader, document);
  UpstreamNames upstreams(reader, document);
  for (std::size_t i = 0; i < document.listener_tables.size(); ++i) {
    proxy::ListenOptions& listener = document.site.listen[i];
    upstreams.resolve(listener.upstream, *document.listener_tables[i], "upstream");
    for (const std::string_view key : {"sni", "pass"})
      if (const Entry* names = document.listener_tables[i]->find(key))
        for (auto& [name, upstream] : key == "sni" ? listener.sni : listener.pass) {
          upstreams.resolve(upstream, names->node, name);
          name = lower(name);
        }
  }
  for (std::size_t i = 0; i < document.route_tables.size(); ++i) {
    check_action(reader, document.site.routes[i], *document.route_tables[i]);
    check_mirror(reader, document.site.routes[i], *document.route_tables[i]);
    upstreams.resolve(document.site.routes[i].upstream, *document.route_tables[i], "upstream");
    if (const Entry* split = document.route_tables[i]->find("split"))
      for (auto& [upstream, weight] : document.site.routes[i].split) upstreams.resolve(upstream, split->node, upstream);
    if (const Entry* mirror = document.route_tables[i]->find("mirror"); mirror && document.site.routes[i].mirror)
      upstreams.resolve(document.site.routes[i].mirror->upstream, mirror->node, "upstream");
  }
  resolve_auth(reader, document);
  check_layer4(reader, document);
  check_compress(reader, document);
  check_caches(reader, document);
  check_admission(reader, document);
}

void warn_document(Reader& reader, const Document& document) {
  const auto router = proxy::Router::build(document.site.routes);
  if (!router) return reader.report().error({}, router.error().detail);
  for (const proxy::Shadowed& shadowed : (*router)->shadowed()) {
    const proxy::RouteOptions& route = document.site.routes[shadowed.route];
    const proxy::RouteOptions& by = document.site.routes[shadowed.by];
    reader.report().warning(
        document.route_tables[shadowed.route]->at,
        fmt::format("route \"{}\" can never match: route \"{}\" ({}) takes everything it would", route.name, by.name,
                    by.origin.file == route.origin.file ? fmt::format("line {}", by.origin.line)
                                                        : fmt::format("{}:{}", by.origin.file, by.origin.line)));
  }
  for (std::size_t i = 0; i < document.route_tables.size(); ++i)
    warn_prefix(reader, document.site.routes[i], *document.route_tables[i]);
  warn_unused(reader, document);
  warn_certificates(reader, document);
}

}  // namespace rpx::config
