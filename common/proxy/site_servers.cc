// What operators make of the servers of a site; beside site.cc, which builds it.
#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "proxy/site.h"

namespace rpx::proxy {
namespace {

using ServerPointer = std::shared_ptr<upstream::Server>;

Status check_last(const Upstream& pool, const ServerPointer& server) {
  const bool others =
      std::ranges::any_of(pool.servers, [&server](const auto& one) { return one != server && one->state().usable(); });
  if (!server->state().usable() || others) return {};
  return self_error(ErrorKind::kNoServer,
                    fmt::format("{} is the last server of \"{}\" that can answer", server->url(), pool.options->name));
}

}  // namespace

Result<const Upstream*> Site::find_upstream(std::string_view name) const {
  const auto pool =
      std::ranges::find_if(upstreams_, [name](const Upstream& upstream) { return upstream.options->name == name; });
  if (pool == upstreams_.end())
    return self_error(ErrorKind::kNotFound, fmt::format("no upstream is named \"{}\"", name));
  return &*pool;
}

Result<std::shared_ptr<upstream::Server>> Site::member_of(std::string_view upstream, std::string_view url) const {
  RPX_TRY(const Upstream* const pool, find_upstream(upstream));
  const auto server = std::ranges::find_if(pool->servers, [url](const auto& one) { return one->url() == url; });
  if (server == pool->servers.end())
    return self_error(ErrorKind::kNotFound, fmt::format("upstream \"{}\" has no server \"{}\"", upstream, url));
  return *server;
}

Status Site::may_lose(const std::string& upstream, const std::string& server, bool force) const {
  RPX_TRY(const Upstream* const pool, find_upstream(upstream));
  RPX_TRY(const ServerPointer found, member_of(upstream, server));
  return force ? Status{} : check_last(*pool, found);
}

Status Site::change_server(const ServerChange& change, Instant now) const {
  RPX_TRY(const Upstream* const pool, find_upstream(change.upstream));
  RPX_TRY(const ServerPointer server, member_of(change.upstream, change.server));
  upstream::ServerState& state = server->state();
  if (change.state && *change.state != upstream::Admin::kReady && !change.force)
    RPX_TRY_VOID(check_last(*pool, server));
  if (change.weight) {
    state.set_weight(*change.weight);
    server->tell(EventKind::kServer, "weight", fmt::format("an operator set it to {}", *change.weight));
  }
  // Who says that a server is ready means it.
  if (change.state == upstream::Admin::kReady && state.is_ejected()) {
    server->ejection().end(now);
    state.set_ejected(false);
  }
  if (change.state == upstream::Admin::kReady && state.is_open()) {
    server->breaker().close();
    state.set_open(false);
  }
  if (change.state) {
    state.set_admin(*change.state, change.lasting ? now + *change.lasting : Instant::max());
    server->tell(EventKind::kServer, name_of(*change.state),
                 change.lasting ? fmt::format("an operator said so, for {}", format_duration(*change.lasting))
                                : "an operator said so");
  }
  return {};
}

RunState Site::run_state(Instant now, WallTime wall) const {
  RunState out;
  for (const Upstream& pool : upstreams_)
    for (const ServerPointer& server : pool.servers) {
      const upstream::ServerState& state = server->state();
      if (const upstream::Admin admin = state.admin(); admin != upstream::Admin::kReady) {
        KeptAdmin kept{pool.options->name, server->url(), admin, std::nullopt};
        if (state.admin_until() != Instant::max())
          kept.until = wall + std::chrono::duration_cast<WallTime::duration>(state.admin_until() - now);
        out.admins.push_back(std::move(kept));
      }
      if (state.weight() != server->options().weight)
        out.weights.push_back({pool.options->name, server->url(), state.weight(), server->options().weight});
    }
  return out;
}

void Site::apply(const RunState& state, Instant now, WallTime wall) const {
  const auto find = [this](const std::string& upstream, const std::string& url) {
    return member_of(upstream, url).value_or(nullptr);
  };
  for (const KeptAdmin& kept : state.admins) {
    const ServerPointer server = find(kept.upstream, kept.url);
    if (!server || (kept.until && *kept.until <= wall)) continue;
    const Instant until = kept.until ? now + std::chrono::duration_cast<Duration>(*kept.until - wall) : Instant::max();
    server->state().set_admin(kept.admin, until);
  }
  for (const KeptWeight& kept : state.weights)
    if (const ServerPointer server = find(kept.upstream, kept.url))
      if (server->options().weight == kept.configured) server->state().set_weight(kept.weight);
}

bool Site::has_sessions() const noexcept {
  return std::ranges::any_of(upstreams_, [](const Upstream& one) { return one.sticky && one.sticky->table; });
}

std::string Site::describe_servers() const {
  std::string out;
  for (const Upstream& pool : upstreams_) {
    out += fmt::format("{}{}:", out.empty() ? "" : "; ", pool.options->name);
    for (const ServerPointer& server : pool.servers) out += fmt::format(" {}", server->url());
  }
  return out;
}

}  // namespace rpx::proxy
