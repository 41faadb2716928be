// Which servers the upstreams have now: those of the configuration, with names and services in it replaced by what DNS
// says, those of files, and what operators added and removed. A value: a reload makes a new one and keeps it when all
// went well. Owned by the server, under its lock.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/resolver.h"
#include "proxy/options.h"
#include "proxy/run_state.h"
#include "proxy/server_change.h"

namespace rpx::proxy {

class Membership {
 public:
  Membership() = default;
  /// Follows what `configured` names; what operators did in `before` stays. Errors: kConfig for a servers_file that
  /// cannot be used.
  static Result<Membership> follow(std::shared_ptr<const SiteOptions> configured, const Membership& before,
                                   net::Resolver& resolver);

  const std::shared_ptr<const SiteOptions>& configured() const noexcept { return configured_; }
  /// `configured` with the servers that there are now.
  SiteOptions expanded() const;
  /// There are names, services or files that may change.
  bool follows() const noexcept { return !names_.empty() || !services_.empty() || !files_.empty(); }
  /// Whether any of these have changed since the last look. A file that has become wrong or empty is told of once, and
  /// what it said before stays.
  bool look();

  /// Takes a server in or out, in the file too where that is asked for. expanded() tells of it from then on. Errors:
  /// kNotFound for the upstream or server, kBadRequest for what no server can be, kConfig for what is there already,
  /// or is not to be written down, kIo.
  Status add(const ServerAddition& addition);
  Status remove(const ServerRemoval& removal);

  const std::vector<AddedServer>& added() const noexcept { return added_; }
  const std::vector<RemovedServer>& removed() const noexcept { return removed_; }
  /// What was added and removed before the process started.
  void restore(RunState state);

 private:
  struct FollowedName {
    std::string host;
    std::shared_ptr<net::Name> name;
    std::uint64_t seen = 0;
  };
  struct FollowedService {
    std::string host;
    std::shared_ptr<net::Service> service;
    std::uint64_t seen = 0;
  };
  struct FollowedFile {
    std::string upstream;
    std::string path;
    std::string stamp;
    std::vector<upstream::ServerOptions> servers;
  };
  Status follow_upstream(const upstream::UpstreamOptions& upstream, net::Resolver& resolver);
  void add_resolved(const upstream::ServerOptions& row, std::vector<upstream::ServerOptions>& out) const;
  void add_service(const upstream::ServerOptions& row, std::vector<upstream::ServerOptions>& out) const;
  std::vector<upstream::ServerOptions> servers_of(const upstream::UpstreamOptions& upstream) const;
  bool is_removed(const std::string& upstream, const std::string& url) const;
  const upstream::UpstreamOptions* find(const std::string& upstream) const;
  FollowedFile* file_of(const std::string& upstream);

  std::shared_ptr<const SiteOptions> configured_;
  std::vector<FollowedName> names_;
  std::vector<FollowedService> services_;
  std::vector<FollowedFile> files_;
  std::vector<AddedServer> added_;
  std::vector<RemovedServer> removed_;
};

}  // namespace rpx::proxy
