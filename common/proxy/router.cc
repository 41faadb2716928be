#include "proxy/router.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "proxy/host_pattern.h"
#include "proxy/path_table.h"
#include "proxy/route_conditions.h"

namespace rpx::proxy {
namespace {

/// What a route asks for, compiled; kept for its conditions, and for shadowed().
struct Question {
  std::vector<HostPattern> hosts;  // sorted, no two alike
  PathPattern path;
  RouteConditions conditions;
};

Result<Question> compile(const RouteOptions& options) {
  Question out;
  if (options.host.empty()) out.hosts.push_back({});
  for (const std::string& text : options.host) {
    RPX_TRY(HostPattern host, HostPattern::parse(text));
    out.hosts.push_back(std::move(host));
  }
  std::ranges::sort(out.hosts);
  out.hosts.erase(std::ranges::unique(out.hosts).begin(), out.hosts.end());
  RPX_TRY(out.path, PathPattern::parse(options.path));
  RPX_TRY(out.conditions, RouteConditions::compile(options.methods, options.header));
  return out;
}

std::string where(const RouteOptions& route) {
  if (route.origin.file.empty()) return fmt::format("route \"{}\"", route.name);
  return fmt::format("{}:{}: route \"{}\"", route.origin.file, route.origin.line, route.name);
}

}  // namespace

struct Router::Table {
  std::vector<Question> routes;
  PathTable any;
  TextMap<PathTable> exact;
  TextMap<PathTable> below;  // by suffix with its dot
  std::size_t longest_suffix = 0;

  PathTable& of(const HostPattern& host) {
    switch (host.kind) {
      case HostPattern::Kind::kExact: return exact[host.text];
      case HostPattern::Kind::kWildcard:
        longest_suffix = std::max(longest_suffix, host.text.size());
        return below[host.text];
      case HostPattern::Kind::kAny: break;
    }
    return any;
  }

  /// The first route for host and path that `accept` takes, or -1.
  template <class Accept>
  int first(std::string_view host, std::string_view path, const Accept& accept) const {
    if (!exact.empty()) {
      if (const auto found = exact.find(host); found != exact.end())
        if (const int route = found->second.first(path, accept); route >= 0) return route;
    }
    if (!below.empty()) {
      // Suffixes from the longest that can be one of ours; the name before the first dot is never empty.
      std::size_t dot = host.find('.', std::max<std::size_t>(1, host.size() - std::min(host.size(), longest_suffix)));
      for (; dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
        const auto found = below.find(host.substr(dot));
        if (found == below.end()) continue;
        if (const int route = found->second.first(path, accept); route >= 0) return route;
      }
    }
    return any.first(path, accept);
  }
};

Status check_path_pattern(std::string_view pattern) {
  RPX_TRY([[maybe_unused]] const PathPattern checked, PathPattern::parse(pattern));
  return {};
}

Status check_host_pattern(std::string_view pattern) {
  RPX_TRY([[maybe_unused]] const HostPattern checked, HostPattern::parse(pattern));
  return {};
}

Router::Router(std::unique_ptr<Table> table) : table_(std::move(table)) {}
Router::~Router() = default;

Result<std::unique_ptr<const Router>> Router::build(const std::vector<RouteOptions>& routes) {
  auto table = std::make_unique<Table>();
  for (const RouteOptions& options : routes) {
    auto asked = compile(options);
    if (!asked) return self_error(ErrorKind::kConfig, fmt::format("{}: {}", where(options), asked.error().detail));
    const auto number = static_cast<std::uint32_t>(table->routes.size());
    for (const HostPattern& host : asked->hosts) table->of(host).add(asked->path, number, asked->conditions.count());
    table->routes.push_back(*std::move(asked));
  }
  table->any.sort();
  for (auto& [host, paths] : table->exact) paths.sort();
  for (auto& [suffix, paths] : table->below) paths.sort();
  return std::unique_ptr<const Router>(new Router(std::move(table)));
}

int Router::match(const http::RequestHead& head, std::string_view path) const {
  const Table& table = *table_;
  return table.first(head.target.host, path,
                     [&](std::uint32_t route) { return table.routes[route].conditions.matches(head); });
}

std::vector<std::string> Router::allowed_methods(const http::RequestHead& head) const {
  std::vector<std::string> methods;
  table_->first(head.target.host, head.target.path, [&](std::uint32_t route) {
    const RouteConditions& conditions = table_->routes[route].conditions;
    if (!conditions.takes_headers(head)) return false;
    for (const std::string& name : conditions.methods())
      if (std::ranges::find(methods, name) == methods.end()) methods.push_back(name);
    return false;
  });
  return methods;
}

std::vector<Shadowed> Router::shadowed() const {
  const std::vector<Question>& routes = table_->routes;
  // A route can hide only those with one of its hosts, and either its own path pattern or any at all.
  const auto key = [](const HostPattern& host, const PathPattern& path, bool all) {
    return fmt::format("{}{}\n{}{}", static_cast<int>(host.kind), host.text, all ? 9 : static_cast<int>(path.kind()),
                       all ? std::string_view() : path.text());
  };
  const auto is_universal = [](const PathPattern& path) {
    return path.kind() == PathPattern::Kind::kRegex && path.covers_all();
  };
  TextMap<std::vector<std::size_t>> by_key;
  for (std::size_t j = 0; j < routes.size(); ++j)
    for (const HostPattern& host : routes[j].hosts)
      by_key[key(host, routes[j].path, is_universal(routes[j].path))].push_back(j);

  const auto hides = [&](std::size_t j, std::size_t i) {
    const Question& by = routes[j];
    const Question& it = routes[i];
    if (i == j || !by.conditions.covers(it.conditions) || !std::ranges::includes(by.hosts, it.hosts)) return false;
    if (by.path.kind() != it.path.kind()) return true;
    return by.conditions.count() != it.conditions.count() ? by.conditions.count() > it.conditions.count() : j < i;
  };
  std::vector<Shadowed> out;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    for (const bool all : {false, true}) {
      if (all && routes[i].path.kind() == PathPattern::Kind::kExact) continue;
      const auto found = by_key.find(key(routes[i].hosts.front(), routes[i].path, all));
      if (found == by_key.end()) continue;
      const auto by = std::ranges::find_if(found->second, [&](std::size_t j) { return hides(j, i); });
      if (by == found->second.end()) continue;
      out.push_back({i, *by});
      break;
    }
  }
  return out;
}

}  // namespace rpx::proxy
