// Site: an immutable, compiled snapshot of a configuration. A reload builds a new one and publishes it whole;
// an exchange keeps the one it began with. Any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "balance/policy.h"
#include "cache/rule.h"
#include "http/limits.h"
#include "net/resolver.h"
#include "policy/access.h"
#include "policy/ban.h"
#include "policy/compress.h"
#include "policy/error_pages.h"
#include "policy/fault.h"
#include "policy/header_rules.h"
#include "policy/hide_origin.h"
#include "policy/maintenance.h"
#include "policy/rate_limit.h"
#include "policy/redirect.h"
#include "policy/respond.h"
#include "policy/rewrite.h"
#include "policy/text_template.h"
#include "policy/watched.h"
#include "proxy/access_log.h"
#include "proxy/certificates.h"
#include "proxy/options.h"
#include "proxy/router.h"
#include "proxy/run_state.h"
#include "proxy/server_change.h"
#include "tls/server_context.h"
#include "upstream/health.h"
#include "upstream/queue.h"
#include "upstream/retry.h"
#include "upstream/server.h"
#include "upstream/session_table.h"

namespace rpx::proxy {

/// Whose name goes into Host.
enum class HostMode : std::uint8_t { kPreserve, kServer, kFixed };

/// The `sticky` of an upstream; see proxy/sticky.h.
struct Sticky {
  std::string cookie;      ///< of ours; empty where sessions are known in another way
  std::string attributes;  ///< what follows its value
  bool secure = true;
  std::vector<std::string> tokens;  ///< one for each of the servers
  std::string learn;                ///< name of a cookie of the servers'; empty: the client's address is what counts
  std::shared_ptr<upstream::SessionTable> table;  ///< who has which session; null with a cookie of ours
  std::vector<std::uint64_t> ids;                 ///< of the servers, in it
};

struct Authentication;  // proxy/authentication.h

struct Upstream {
  const upstream::UpstreamOptions* options;
  std::vector<std::shared_ptr<upstream::Server>> servers;
  upstream::RetryRule retry;
  std::shared_ptr<upstream::Queue>
      queue;  ///< for a place at a server, or for `hold`; null where there is nothing to wait for
  HostMode host = HostMode::kPreserve;
  balance::Wants wants = balance::Wants::kNothing;
  policy::TextTemplate hash;  ///< what the key is made of, with Wants::kTemplate
  std::optional<Sticky> sticky;
  std::shared_ptr<const tls::ClientContext> check_tls;  ///< for checks of TLS where URLs have none
};

/// A part of a route's clients.
struct Share {
  std::uint64_t up_to;  ///< of the sum of all weights, exclusive
  int upstream;
};

struct Route {
  const RouteOptions* options;
  int upstream = -1;          ///< index of Site::upstreams; -1 for redirects and fixed replies; the first of a split
  std::vector<Share> shares;  ///< of a split; empty = all go to `upstream`
  int mirror = -1;            ///< index of the upstream that gets copies; -1 = none does
  std::uint64_t body_bytes = 0;
  std::optional<policy::Redirect> redirect;
  std::optional<policy::FixedReply> respond;
  std::optional<policy::Rewrite> rewrite;
  policy::HeaderRules request_rules;
  policy::HeaderRules response_rules;
  policy::ErrorPages error_pages;
  policy::OriginNames origin_names;
  std::optional<policy::CompressRule> compress;
  policy::Maintenance maintenance;
  std::shared_ptr<policy::MaintenanceSwitch> work;  ///< null for routes of our own
  bool in_maintenance() const noexcept { return work && work->on(); }
  std::shared_ptr<policy::Fault> fault;  ///< null: nothing goes wrong on purpose
  std::optional<policy::Access> access;
  std::shared_ptr<const Authentication> authentication;  ///< null: nobody is asked who they are
  std::vector<std::shared_ptr<const policy::RateLimit>> limits;
  std::shared_ptr<const cache::Rule> cache;  ///< null: nothing is stored
  std::optional<policy::Access> purge;       ///< who may send PURGE; none: it is a method like others
};

/// Index of the upstream that `client` is for: a client stays with its share of a split, over reloads and restarts too.
int upstream_of(const Route& route, const IpAddress& client) noexcept;

class Site {
 public:
  /// Compiles `options`. Servers that `previous` (may be null) has too are shared with it, so that their state lives
  /// on. Errors: kConfig, naming route or upstream with file and line.
  static Result<std::shared_ptr<const Site>> build(SiteOptions options, const Site* previous, net::Resolver& resolver);

  const SiteOptions& options() const noexcept { return options_; }
  const http::Limits& limits() const noexcept { return options_.limits; }
  const Router& router() const noexcept { return *router_; }
  const std::vector<Route>& routes() const noexcept { return routes_; }
  const std::vector<Upstream>& upstreams() const noexcept { return upstreams_; }
  /// The servers that have active checks, upstream by upstream.
  std::vector<upstream::CheckedServer> checked_servers() const;
  /// See Server::change_server. One thread at a time.
  /// Errors: kNotFound.
  Result<const Upstream*> find_upstream(std::string_view name) const;
  Result<std::shared_ptr<upstream::Server>> member_of(std::string_view upstream, std::string_view url) const;
  Status change_server(const ServerChange& change, Instant now) const;
  /// Whether a server may be taken out of its upstream: kNoServer when no other could answer, without `force`.
  Status may_lose(const std::string& upstream, const std::string& server, bool force) const;
  /// What operators have made of the servers, but for those that they added and removed; and the same taken up again.
  RunState run_state(Instant now, WallTime wall) const;
  void apply(const RunState& state, Instant now, WallTime wall) const;
  /// "app: http://10.0.0.1:80 …; other: …", for logs.
  std::string describe_servers() const;
  /// Upstreams remember sessions.
  bool has_sessions() const noexcept;
  /// TLS handshakes of each client; null where any number may be begun.
  const policy::RateLimit* handshakes() const noexcept { return handshakes_.get(); }
  /// What the replies to each client are counted in, in bytes; null where they are as fast as they go.
  policy::RateCounters* bandwidth() const noexcept { return bandwidth_.get(); }
  /// Those that routes may name, in the order of the file.
  const std::vector<std::shared_ptr<policy::Fault>>& faults() const noexcept { return faults_; }
  /// What TLS listeners serve with; null when there is none.
  std::shared_ptr<const tls::ServerContexts> tls() const noexcept { return tls_ ? tls_->current() : nullptr; }
  const std::shared_ptr<Certificates>& certificates() const noexcept { return tls_; }
  /// Opens the disk stores of the caches, and closes those that `previous` (may be null) had besides: once it is sure
  /// that this site is served. Waits up to `most` for each.
  void use_disks(const Site* previous, Duration most) const;
  /// What authorities are answered; the same for all sites of a proxy.
  const std::shared_ptr<tls::Challenges>& challenges() const noexcept { return challenges_; }
  /// Of the caches, in the order of the options.
  std::vector<std::shared_ptr<cache::Store>> stores() const;
  const std::vector<policy::BanRule>& bans() const noexcept { return bans_; }
  /// Whether `ip` is never to be banned, unless a rule says anyone: this machine, and proxies that are trusted.
  bool is_friend(const IpAddress& ip) const noexcept;
  /// One for each of the options' access; null where that asks nobody who they are.
  const std::vector<std::shared_ptr<const Authentication>>& authentications() const noexcept {
    return authentications_;
  }
  /// What may change under it.
  std::vector<std::shared_ptr<policy::Watched>> watched() const;
  /// What a listener with redirect_https answers.
  const policy::Redirect& https_redirect(const ListenOptions& listener) const noexcept {
    return https_redirects_.find(listener.https_port)->second;
  }
  const std::shared_ptr<const AccessFormat>& access_format() const noexcept { return access_format_; }

 private:
  Site() = default;
  Status build_upstreams(const Site* previous, net::Resolver& resolver);
  Status build_caches(const Site* previous);
  Result<std::optional<policy::Access>> purge_access_of(const cache::Rule& rule) const;
  Status build_limits(const Site* previous);
  void build_bans(const Site* previous);
  Status build_authentications(const Site* previous);
  void build_faults(const Site* previous);
  Status build_routes(const Site* previous);
  Status build_tls(const Site* previous);
  Result<Route> build_route(const RouteOptions& options);
  Status build_maintenance(Route& route, const Site* previous) const;
  Status build_admission(Route& route) const;
  Status build_target(Route& route) const;

  SiteOptions options_;
  std::unique_ptr<const Router> router_;
  std::vector<Upstream> upstreams_;
  std::vector<std::shared_ptr<const cache::Rule>> caches_;
  std::vector<std::shared_ptr<const policy::RateLimit>> limits_;
  std::shared_ptr<const policy::RateLimit> handshakes_;
  std::shared_ptr<policy::RateCounters> bandwidth_;
  std::vector<policy::BanRule> bans_;
  std::vector<std::shared_ptr<const Authentication>> authentications_;
  std::vector<std::shared_ptr<policy::Fault>> faults_;
  std::vector<Route> routes_;
  std::shared_ptr<const AccessFormat> access_format_;
  std::shared_ptr<Certificates> tls_;
  std::shared_ptr<tls::Challenges> challenges_;
  std::map<std::uint32_t, policy::Redirect> https_redirects_;  // by port
};

}  // namespace rpx::proxy
