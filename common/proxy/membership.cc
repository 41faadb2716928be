#include "proxy/membership.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/log.h"
#include "base/result.h"
#include "policy/blocklist_file.h"
#include "upstream/server.h"
#include "upstream/server_line.h"

namespace rpx::proxy {
namespace {

using upstream::ServerOptions;

// Changes when the file does; "" while there is none.
std::string stamp_of(const std::string& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) return {};
  return fmt::format("{} {} {} {}.{}", facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtim.tv_sec,
                     facts.st_mtim.tv_nsec);
}

Result<std::vector<ServerOptions>> read_servers_file(const std::string& path) {
  RPX_TRY(const std::string text, policy::read_blocklist_file(path));
  auto servers = upstream::parse_server_lines(text);
  if (!servers) return self_error(ErrorKind::kConfig, fmt::format("{}:{}", path, servers.error().detail));
  if (servers->empty()) return self_error(ErrorKind::kConfig, fmt::format("{}: no server is in it", path));
  for (ServerOptions& server : *servers) server.source = "file";
  return servers;
}

std::string_view scheme_of(std::string_view url) { return url.substr(0, url.find("://") + 3); }

bool is_tcp(const ServerOptions& server) { return server.url.starts_with("tcp://"); }

std::unexpected<Error> conflict(std::string detail) { return self_error(ErrorKind::kConfig, std::move(detail)); }

bool has(const std::vector<ServerOptions>& servers, const std::string& url) {
  return std::ranges::find(servers, url, &ServerOptions::url) != servers.end();
}

void add_unless_known(std::vector<ServerOptions>& out, ServerOptions server) {
  if (!has(out, server.url)) out.push_back(std::move(server));
}

}  // namespace

Result<Membership> Membership::follow(std::shared_ptr<const SiteOptions> configured, const Membership& before,
                                      net::Resolver& resolver) {
  Membership out;
  out.configured_ = std::move(configured);
  out.added_ = before.added_;
  out.removed_ = before.removed_;
  for (const upstream::UpstreamOptions& upstream : out.configured_->upstreams)
    RPX_TRY_VOID(out.follow_upstream(upstream, resolver));
  return out;
}

Status Membership::follow_upstream(const upstream::UpstreamOptions& upstream, net::Resolver& resolver) {
  for (const ServerOptions& row : upstream.servers) {
    if (!row.srv.empty())
      services_.push_back(
          {row.srv,
           resolver.watch_service(row.srv, row.resolve > Duration::zero() ? row.resolve : net::Resolver::kLongest)});
    else if (row.resolve > Duration::zero())
      if (const auto target = upstream::parse_server_url(row.url); target && !target->host.empty())
        names_.push_back({target->host, resolver.watch(target->host, row.resolve)});
  }
  if (upstream.servers_file.empty()) return {};
  // The stamp comes first: a change between the two is found by the next look.
  FollowedFile file{upstream.name, upstream.servers_file, stamp_of(upstream.servers_file), {}};
  auto servers = read_servers_file(file.path);
  if (!servers)
    return self_error(ErrorKind::kConfig,
                      fmt::format("upstream \"{}\": servers_file: {}", upstream.name, servers.error().detail));
  file.servers = std::move(*servers);
  files_.push_back(std::move(file));
  return {};
}

bool Membership::look() {
  bool changed = false;
  for (FollowedName& one : names_) changed |= std::exchange(one.seen, one.name->version()) != one.name->version();
  for (FollowedService& one : services_)
    changed |= std::exchange(one.seen, one.service->version()) != one.service->version();
  for (FollowedFile& file : files_) {
    std::string stamp = stamp_of(file.path);
    if (stamp == file.stamp) continue;
    file.stamp = std::move(stamp);
    auto servers = read_servers_file(file.path);
    if (!servers) {
      log_event(LogLevel::kError, "servers_file cannot be used, the servers stay as they were",
                {{"upstream", file.upstream}, {"reason", servers.error().detail}});
      continue;
    }
    changed |= *servers != file.servers;
    file.servers = std::move(*servers);
  }
  return changed;
}

void Membership::add_resolved(const ServerOptions& row, std::vector<ServerOptions>& out) const {
  const auto target = upstream::parse_server_url(row.url);
  const auto name =
      std::ranges::find_if(names_, [&](const FollowedName& one) { return target && one.host == target->host; });
  ServerOptions made = row;
  made.resolve = {};
  if (name == names_.end() || name->name->version() == 0) return add_unless_known(out, std::move(made));
  made.found_by = row.url;
  made.source = "dns";
  for (const IpAddress& ip : name->name->addresses()) {
    Address address = target->address;
    address.ip = ip;
    made.url = std::string(scheme_of(row.url)) + address.to_string();
    add_unless_known(out, made);
  }
}

void Membership::add_service(const ServerOptions& row, std::vector<ServerOptions>& out) const {
  const auto service = std::ranges::find(services_, row.srv, &FollowedService::host);
  ServerOptions made = row;
  made.resolve = {};
  made.srv.clear();
  if (service == services_.end() || service->service->version() == 0) return add_unless_known(out, std::move(made));
  made.found_by = row.url;
  made.source = "dns";
  for (const net::SrvRecord& record : service->service->records()) {
    made.url = fmt::format("{}{}:{}", scheme_of(row.url), record.host, record.port);
    made.weight = std::max<std::uint32_t>(1, record.weight);
    made.priority = record.priority;
    add_unless_known(out, made);
  }
}

bool Membership::is_removed(const std::string& upstream, const std::string& url) const {
  return std::ranges::find(removed_, RemovedServer{upstream, url}) != removed_.end();
}

std::vector<ServerOptions> Membership::servers_of(const upstream::UpstreamOptions& upstream) const {
  std::vector<ServerOptions> out;
  for (const ServerOptions& row : upstream.servers) {
    if (!row.srv.empty())
      add_service(row, out);
    else if (row.resolve > Duration::zero())
      add_resolved(row, out);
    else
      add_unless_known(out, row);
  }
  for (const FollowedFile& file : files_)
    if (file.upstream == upstream.name)
      for (const ServerOptions& server : file.servers) add_unless_known(out, server);
  for (const AddedServer& one : added_)
    if (one.upstream == upstream.name) add_unless_known(out, one.server);
  std::erase_if(out, [&](const ServerOptions& server) { return is_removed(upstream.name, server.url); });
  return out;
}

SiteOptions Membership::expanded() const {
  SiteOptions out = *configured_;
  for (upstream::UpstreamOptions& upstream : out.upstreams) upstream.servers = servers_of(upstream);
  return out;
}

const upstream::UpstreamOptions* Membership::find(const std::string& upstream) const {
  const auto found = std::ranges::find(configured_->upstreams, upstream, &upstream::UpstreamOptions::name);
  return found == configured_->upstreams.end() ? nullptr : &*found;
}

Membership::FollowedFile* Membership::file_of(const std::string& upstream) {
  const auto found = std::ranges::find(files_, upstream, &FollowedFile::upstream);
  return found == files_.end() ? nullptr : &*found;
}

Status Membership::add(const ServerAddition& addition) {
  const upstream::UpstreamOptions* upstream = find(addition.upstream);
  if (!upstream) return self_error(ErrorKind::kNotFound, fmt::format("no upstream is named \"{}\"", addition.upstream));
  // As it would be read again.
  auto server = upstream::parse_server_line(upstream::server_line(addition.server));
  if (!server) return client_error(ErrorKind::kBadRequest, server.error().detail);
  const std::vector<ServerOptions> now = servers_of(*upstream);
  if (has(now, server->url)) return conflict(fmt::format("{} has {} already", addition.upstream, server->url));
  if (!now.empty() && is_tcp(now.front()) != is_tcp(*server))
    return conflict(fmt::format("{} has {} servers", addition.upstream, is_tcp(now.front()) ? "tcp://" : "http"));
  if (addition.persist) {
    FollowedFile* file = file_of(addition.upstream);
    if (!file) return conflict(fmt::format("{} has no servers_file that it could be written to", addition.upstream));
    RPX_TRY(std::string text, policy::read_blocklist_file(file->path));
    if (!has(file->servers, server->url))
      RPX_TRY_VOID(policy::write_blocklist_file(file->path, upstream::with_server(std::move(text), *server)));
    look();
  } else if (!is_removed(addition.upstream, server->url)) {
    server->source = "control";
    added_.push_back({addition.upstream, std::move(*server)});
  }
  std::erase(removed_, RemovedServer{addition.upstream, addition.server.url});
  return {};
}

Status Membership::remove(const ServerRemoval& removal) {
  const upstream::UpstreamOptions* upstream = find(removal.upstream);
  if (!upstream) return self_error(ErrorKind::kNotFound, fmt::format("no upstream is named \"{}\"", removal.upstream));
  const std::vector<ServerOptions> now = servers_of(*upstream);
  const auto server = std::ranges::find(now, removal.server, &ServerOptions::url);
  if (server == now.end())
    return self_error(ErrorKind::kNotFound,
                      fmt::format("upstream \"{}\" has no server \"{}\"", removal.upstream, removal.server));
  if (server->source == "control") {
    std::erase_if(added_, [&](const AddedServer& one) {
      return one.upstream == removal.upstream && one.server.url == removal.server;
    });
    return {};
  }
  if (removal.persist && server->source == "file") {
    FollowedFile& file = *file_of(removal.upstream);
    RPX_TRY(const std::string text, policy::read_blocklist_file(file.path));
    std::string left = upstream::without_server(text, removal.server);
    if (const auto servers = upstream::parse_server_lines(left); !servers || servers->empty())
      return conflict(fmt::format("{} would have no server left in it", file.path));
    RPX_TRY_VOID(policy::write_blocklist_file(file.path, left));
    look();
    return {};
  }
  if (removal.persist)
    return conflict(server->source == "dns"
                        ? fmt::format("{} is what DNS says of {}", removal.server, server->found_by)
                        : fmt::format("{} is in the configuration: take it out there and reload", removal.server));
  removed_.push_back({removal.upstream, removal.server});
  return {};
}

void Membership::restore(RunState state) {
  added_ = std::move(state.added);
  removed_ = std::move(state.removed);
  for (AddedServer& one : added_) one.server.source = "control";
}

}  // namespace rpx::proxy
