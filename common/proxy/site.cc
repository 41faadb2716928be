#include "proxy/site.h"

#include <fmt/format.h>

#include <algorithm>

#include "balance/random.h"
#include "base/result.h"
#include "proxy/acme_store.h"
#include "proxy/authentication.h"
#include "proxy/sticky.h"
#include "tls/client_context.h"

namespace rpx::proxy {
namespace {

Error in_route(const RouteOptions& route, Error error) {
  error.detail =
      route.origin.file + ":" + std::to_string(route.origin.line) + ": route \"" + route.name + "\": " + error.detail;
  return error;
}

std::shared_ptr<upstream::Server> find_server(const Site* site, const std::string& upstream,
                                              const upstream::ServerOptions& options,
                                              const tls::ClientContext* security) {
  if (!site) return nullptr;
  for (const Upstream& pool : site->upstreams()) {
    if (pool.options->name != upstream) continue;
    for (const auto& server : pool.servers)
      if (server->options() == options && (!security || (server->tls() && server->tls()->same_as(*security))))
        return server;
  }
  return nullptr;
}

// A server that is still there under other options keeps what is known of it.
void inherit_state(const Site* site, upstream::Server& server) {
  if (!site) return;
  for (const Upstream& pool : site->upstreams()) {
    if (pool.options->name != server.upstream()) continue;
    for (const auto& before : pool.servers)
      if (before->url() == server.url()) {
        server.inherit(*before);
      }
  }
}

// Those who wait go on waiting over a reload.
std::shared_ptr<upstream::Queue> queue_for(const Site* previous, const upstream::UpstreamOptions& options) {
  const bool limited =
      std::ranges::any_of(options.servers, [](const auto& server) { return server.max_connections != 0; });
  if (!limited && options.hold <= Duration::zero()) return nullptr;
  if (previous)
    for (const Upstream& pool : previous->upstreams())
      if (pool.options->name == options.name && pool.queue) return pool.queue;
  return std::make_shared<upstream::Queue>();
}

const Sticky* sticky_of(const Site* site, const std::string& upstream) {
  if (!site) return nullptr;
  for (const Upstream& pool : site->upstreams())
    if (pool.options->name == upstream && pool.sticky) return &*pool.sticky;
  return nullptr;
}

}  // namespace

int upstream_of(const Route& route, const IpAddress& client) noexcept {
  if (route.shares.empty() || route.shares.back().up_to == 0) return route.upstream;
  std::uint64_t bits = 0;
  for (const std::uint8_t byte : client.bytes()) bits = balance::mix(bits ^ byte);
  // Routes draw apart: who is a canary of one need not be of all.
  const std::uint64_t draw = balance::mix(bits ^ balance::hash_of(route.options->name)) % route.shares.back().up_to;
  for (const Share& share : route.shares)
    if (draw < share.up_to) return share.upstream;
  return route.upstream;
}

Result<std::shared_ptr<const Site>> Site::build(SiteOptions options, const Site* previous, net::Resolver& resolver) {
  std::shared_ptr<Site> site(new Site);
  site->options_ = std::move(options);
  RPX_TRY_VOID(site->build_upstreams(previous, resolver));
  RPX_TRY_VOID(site->build_caches(previous));
  RPX_TRY_VOID(site->build_limits(previous));
  site->build_bans(previous);
  RPX_TRY_VOID(site->build_authentications(previous));
  site->build_faults(previous);
  RPX_TRY_VOID(site->build_routes(previous));
  RPX_TRY(site->router_, Router::build(site->options_.routes));
  RPX_TRY_VOID(site->build_tls(previous));
  RPX_TRY(AccessFormat format, AccessFormat::compile(site->options_.log.format));
  site->access_format_ = std::make_shared<const AccessFormat>(std::move(format));
  return site;
}

Status Site::build_upstreams(const Site* previous, net::Resolver& resolver) {
  for (const upstream::UpstreamOptions& options : options_.upstreams) {
    Upstream built{&options, {}, upstream::RetryRule(options.retry), queue_for(previous, options)};
    if (options.host == "server")
      built.host = HostMode::kServer;
    else if (options.host != "preserve")
      built.host = HostMode::kFixed;
    built.wants = balance::wants_of(options.balance);
    if (built.wants == balance::Wants::kTemplate) {
      RPX_TRY(built.hash, policy::TextTemplate::parse(options.hash, policy::TemplateUse::kRequest));
    }
    std::shared_ptr<const tls::ClientContext> context;
    for (const upstream::ServerOptions& server : options.servers) {
      RPX_TRY(upstream::ServerTarget target, upstream::parse_server_url(server.url));
      const bool checks_tls = options.health && options.health->tls;
      if ((target.tls || checks_tls) && !context) {
        Result<std::shared_ptr<const tls::ClientContext>> made = tls::ClientContext::build(options.tls);
        if (!made)
          return self_error(ErrorKind::kConfig,
                            fmt::format("upstream \"{}\": tls: {}", options.name, made.error().detail));
        context = std::move(*made);
      }
      if (!server.found_by.empty()) {
        RPX_TRY(upstream::ServerTarget named, upstream::parse_server_url(server.found_by));
        target.authority = std::move(named.authority);
        target.name = std::move(named.name);
      }
      const auto security = target.tls ? context : nullptr;
      auto known = find_server(previous, options.name, server, security.get());
      if (!known) {
        known = std::make_shared<upstream::Server>(options.name, server, std::move(target), resolver, security);
        inherit_state(previous, *known);
      }
      built.servers.push_back(std::move(known));
    }
    built.check_tls = context;
    if (options.sticky) {
      RPX_TRY(built.sticky,
              build_sticky(*options.sticky, options.name, built.servers, sticky_of(previous, options.name)));
    }
    upstreams_.push_back(std::move(built));
  }
  return {};
}

std::vector<upstream::CheckedServer> Site::checked_servers() const {
  std::vector<upstream::CheckedServer> out;
  for (const Upstream& upstream : upstreams_)
    if (upstream.options->health)
      for (const auto& server : upstream.servers) {
        out.push_back({server, *upstream.options->health});
        out.back().options.proxy_protocol = upstream.options->proxy_protocol;
        out.back().options.protocol = upstream.options->protocol;
        if (upstream.options->health->tls && !server->tls()) out.back().tls = upstream.check_tls;
      }
  return out;
}

Status Site::build_tls(const Site* previous) {
  for (const ListenOptions& listener : options_.listen) {
    const std::string port = listener.https_port == 443 ? std::string() : fmt::format(":{}", listener.https_port);
    RPX_TRY(policy::Redirect redirect,
            policy::Redirect::compile({.to = fmt::format("https://{{host}}{}{{path}}", port)}));
    https_redirects_.emplace(listener.https_port, std::move(redirect));
  }
  challenges_ = previous ? previous->challenges_ : std::make_shared<tls::Challenges>();
  if (std::ranges::none_of(options_.listen, &ListenOptions::tls)) return {};
  const auto before = previous ? previous->tls() : nullptr;
  Obtained obtained{.managed = {.names = options_.acme.hosts, .challenges = challenges_}};
  const AcmeStore store(options_.acme.store);
  for (const std::string& host : options_.acme.hosts) obtained.files.push_back(store.files_of(host));
  RPX_TRY(tls_, Certificates::build(options_.tls, options_.certificates, before.get(), std::move(obtained)));
  return {};
}

// What is stored lives on over a reload.
Status Site::build_caches(const Site* previous) {
  for (const cache::CacheOptions& options : options_.cache) {
    std::shared_ptr<cache::Store> store;
    if (previous)
      for (const auto& rule : previous->caches_)
        if (rule->options.name == options.name) store = rule->store;
    RPX_TRY(caches_.emplace_back(), cache::Rule::build(options, std::move(store)));
  }
  return {};
}

void Site::use_disks(const Site* previous, Duration most) const {
  if (previous)
    for (const auto& before : previous->caches_)
      if (std::ranges::find(caches_, before->store, [](const auto& rule) { return rule->store; }) == caches_.end())
        before->store->use_disk(nullptr);
  for (const auto& rule : caches_) rule->use_disk(most);
}

std::vector<std::shared_ptr<cache::Store>> Site::stores() const {
  std::vector<std::shared_ptr<cache::Store>> out;
  for (const auto& rule : caches_) out.push_back(rule->store);
  return out;
}

// So do the counts of rate limits, also under another rate.
Status Site::build_limits(const Site* previous) {
  for (const policy::RateLimitOptions& options : options_.rate_limits) {
    std::shared_ptr<policy::RateCounters> counters;
    if (previous)
      for (const auto& limit : previous->limits_)
        if (limit->options().name == options.name && limit->options().key == options.key) counters = limit->counters();
    RPX_TRY(limits_.emplace_back(), policy::RateLimit::build(options, std::move(counters)));
  }
  if (const std::uint32_t rate = options_.limits.handshakes_per_client; rate != 0) {
    const policy::RateLimitOptions options{
        .name = "handshakes", .rate = Rate{static_cast<double>(rate)}, .burst = rate};
    RPX_TRY(handshakes_, policy::RateLimit::build(
                             options, previous && previous->handshakes_ ? previous->handshakes_->counters() : nullptr));
  }
  if (options_.limits.bandwidth_per_client != 0)
    bandwidth_ = previous && previous->bandwidth_ ? previous->bandwidth_ : std::make_shared<policy::RateCounters>();
  return {};
}

void Site::build_bans(const Site* previous) {
  for (std::size_t i = 0; i < options_.bans.size(); ++i) {
    const bool same =
        previous && i < previous->bans_.size() && previous->bans_[i].options().when == options_.bans[i].when;
    bans_.emplace_back(options_.bans[i], same ? previous->bans_[i].counters() : nullptr);
  }
}

bool Site::is_friend(const IpAddress& ip) const noexcept {
  return ip.is_loopback() || std::ranges::any_of(options_.listen, [&ip](const ListenOptions& listen) {
           return contains(listen.trusted_proxies, ip) || contains(listen.proxy_protocol, ip);
         });
}

Status Site::build_authentications(const Site* previous) {
  for (const policy::AccessOptions& access : options_.access) {
    auto built = build_authentication(access, upstreams_, previous);
    if (!built)
      return self_error(ErrorKind::kConfig, fmt::format("access \"{}\": {}", access.name, built.error().detail));
    authentications_.push_back(std::move(*built));
  }
  return {};
}

std::vector<std::shared_ptr<policy::Watched>> Site::watched() const {
  std::vector<std::shared_ptr<policy::Watched>> out;
  for (const auto& one : authentications_) {
    if (one && one->basic) out.push_back(one->basic);
    if (one && one->jwt && !one->jwt->options().file.empty()) out.push_back(one->jwt);
  }
  if (tls_ && options_.tls.watch) out.push_back(tls_);
  return out;
}

// What was changed while running lives on, as long as the configuration says what it did.
void Site::build_faults(const Site* previous) {
  for (const policy::FaultOptions& options : options_.faults) {
    std::shared_ptr<policy::Fault> same;
    if (previous)
      for (const auto& one : previous->faults_)
        if (one->configured() == options) same = one;
    faults_.push_back(same ? same : std::make_shared<policy::Fault>(options));
  }
}

Status Site::build_maintenance(Route& route, const Site* previous) const {
  const RouteOptions& options = *route.options;
  const policy::MaintenanceOptions from = options.maintenance.value_or(policy::MaintenanceOptions());
  policy::Maintenance made{.status = from.status, .retry_after = {}, .allow = from.allow, .pages = {}};
  if (const auto wait = std::chrono::ceil<std::chrono::seconds>(from.retry_after).count(); wait > 0)
    made.retry_after = std::to_string(wait);
  if (!from.page.empty()) {
    auto pages = policy::ErrorPages::load({{std::to_string(from.status), from.page}});
    // One that is switched on later without its page has the page there is for the status.
    if (!pages && from.enabled) return std::unexpected(std::move(pages).error());
    if (pages) made.pages = *std::move(pages);
  }
  route.maintenance = std::move(made);
  if (previous)
    for (const Route& before : previous->routes_)
      if (before.options->name == options.name && before.work->configured() == from.enabled) route.work = before.work;
  if (!route.work) route.work = std::make_shared<policy::MaintenanceSwitch>(from.enabled);
  return {};
}

Status Site::build_routes(const Site* previous) {
  routes_.reserve(options_.routes.size());
  for (const RouteOptions& options : options_.routes) {
    Result<Route> route = build_route(options);
    if (!route) return std::unexpected(in_route(options, std::move(route).error()));
    if (Status built = build_maintenance(*route, previous); !built)
      return std::unexpected(in_route(options, std::move(built).error()));
    routes_.push_back(std::move(*route));
  }
  return {};
}

Status Site::build_admission(Route& route) const {
  const RouteOptions& options = *route.options;
  if (!options.fault.empty()) {
    const auto fault =
        std::ranges::find_if(faults_, [&](const auto& one) { return one->configured().name == options.fault; });
    if (fault == faults_.end()) return self_error(ErrorKind::kConfig, "there is no fault \"" + options.fault + "\"");
    route.fault = *fault;
  }
  for (const std::string& name : options.rate_limit) {
    const auto limit = std::ranges::find_if(limits_, [&name](const auto& one) { return one->options().name == name; });
    if (limit == limits_.end()) return self_error(ErrorKind::kConfig, "there is no rate_limit \"" + name + "\"");
    route.limits.push_back(*limit);
  }
  if (options.access.empty()) return {};
  const auto rules = std::ranges::find(options_.access, options.access, &policy::AccessOptions::name);
  if (rules == options_.access.end())
    return self_error(ErrorKind::kConfig, "there is no access \"" + options.access + "\"");
  RPX_TRY(policy::Access access, policy::Access::compile(*rules));
  route.access = std::move(access);
  route.authentication = authentications_[static_cast<std::size_t>(rules - options_.access.begin())];
  return {};
}

// Where requests go, and what may tell of it.
Status Site::build_target(Route& route) const {
  const RouteOptions& options = *route.options;
  policy::SplitOptions split = options.split;
  if (split.empty()) split.emplace_back(options.upstream, 1);
  std::vector<std::string> urls;
  std::uint64_t up_to = 0;
  for (const auto& [name, weight] : split) {
    const auto found =
        std::ranges::find_if(upstreams_, [&name](const Upstream& one) { return one.options->name == name; });
    if (found == upstreams_.end()) return self_error(ErrorKind::kConfig, "there is no upstream \"" + name + "\"");
    up_to += weight;
    route.shares.push_back({up_to, static_cast<int>(found - upstreams_.begin())});
    for (const auto& server : found->options->servers) {
      urls.push_back(server.url);
      if (!server.found_by.empty()) urls.push_back(server.found_by);
    }
    if (found->host == HostMode::kFixed) urls.push_back("http://" + found->options->host);
  }
  if (options.mirror) {
    const auto found = std::ranges::find_if(
        upstreams_, [&options](const Upstream& one) { return one.options->name == options.mirror->upstream; });
    if (found == upstreams_.end())
      return self_error(ErrorKind::kConfig, "there is no upstream \"" + options.mirror->upstream + "\"");
    route.mirror = static_cast<int>(found - upstreams_.begin());
  }
  route.upstream = route.shares.front().upstream;
  if (options.split.empty()) route.shares.clear();
  route.origin_names = policy::OriginNames(urls, options.strip_prefix);
  return {};
}

// Who may purge over HTTP; nothing where nobody may.
Result<std::optional<policy::Access>> Site::purge_access_of(const cache::Rule& rule) const {
  const std::string& name = rule.options.purge;
  if (name.empty()) return std::nullopt;
  const auto rules = std::ranges::find(options_.access, name, &policy::AccessOptions::name);
  if (rules == options_.access.end()) return self_error(ErrorKind::kConfig, "there is no access \"" + name + "\"");
  RPX_TRY(policy::Access access, policy::Access::compile(*rules));
  return access;
}

Result<Route> Site::build_route(const RouteOptions& options) {
  Route route{&options};
  route.body_bytes = options.body_bytes.value_or(options_.limits.body_bytes);
  RPX_TRY(route.request_rules, policy::HeaderRules::compile(options.request_headers, policy::TemplateUse::kRequest));
  RPX_TRY(route.response_rules, policy::HeaderRules::compile(options.response_headers, policy::TemplateUse::kResponse));
  RPX_TRY(route.error_pages, policy::ErrorPages::load(options.errors));
  if (options.redirect) {
    RPX_TRY(policy::Redirect redirect, policy::Redirect::compile(*options.redirect));
    route.redirect = std::move(redirect);
  } else if (options.respond) {
    RPX_TRY(policy::FixedReply respond, policy::FixedReply::compile(*options.respond));
    route.respond = std::move(respond);
  } else {
    RPX_TRY_VOID(build_target(route));
  }
  if (!options.compress.empty()) {
    for (const policy::CompressOptions& rule : options_.compress)
      if (rule.name == options.compress) route.compress.emplace(rule);
    if (!route.compress && options.compress == "default") route.compress.emplace(policy::CompressOptions{});
    if (!route.compress) return self_error(ErrorKind::kConfig, "there is no compress \"" + options.compress + "\"");
  }
  if (!options.cache.empty()) {
    const auto rule =
        std::ranges::find_if(caches_, [&](const auto& one) { return one->options.name == options.cache; });
    if (rule == caches_.end()) return self_error(ErrorKind::kConfig, "there is no cache \"" + options.cache + "\"");
    route.cache = *rule;
    RPX_TRY(route.purge, purge_access_of(**rule));
  }
  RPX_TRY_VOID(build_admission(route));
  if (options.rewrite) {
    RPX_TRY(policy::Rewrite rewrite, policy::Rewrite::compile(*options.rewrite));
    route.rewrite = std::move(rewrite);
  }
  return route;
}

}  // namespace rpx::proxy
