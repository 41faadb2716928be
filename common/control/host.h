// What the control API asks of the process it steers. tools/rpx-serve implements it over a proxy and its configuration,
// tests with plain values. Called from the control threads, several at once.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cache/store.h"
#include "config/problem.h"
#include "net/fd.h"
#include "policy/blocklist.h"
#include "proxy/acme_views.h"
#include "proxy/certificates.h"
#include "proxy/explain.h"
#include "proxy/options.h"
#include "proxy/server_change.h"
#include "proxy/views.h"

namespace rpx::proxy {
class Site;
}

namespace rpx::control {

/// What stays the same for the life of the process.
struct Identity {
  std::string version;
  std::int64_t pid = 0;
  std::string config;      ///< absolute path of the file it was started with; empty when there was none
  std::string control;     ///< path of the control socket
  std::string admin = {};  ///< address that [admin] is bound to; empty = none
};

struct Reloaded {
  std::uint64_t generation = 1;
  std::vector<std::string> changes;       ///< one line each; empty = nothing had changed
  std::vector<config::Problem> warnings;  ///< also what will take a restart to change
};

struct Checked {
  std::vector<config::Problem> problems;  ///< warnings too
  std::vector<std::string> changes;       ///< what a reload would change; empty when there are errors
};

class Host {
 public:
  virtual ~Host() = default;

  virtual Identity identity() = 0;
  virtual proxy::StatusView status() = 0;
  virtual std::vector<proxy::UpstreamView> upstreams() = 0;
  /// Errors: as proxy::explain.
  virtual Result<proxy::Explanation> explain(const proxy::ExplainQuestion& question) = 0;
  /// Errors: as proxy::Server::server_history.
  virtual Result<proxy::HistoryView> server_history(std::string_view upstream, std::string_view server) = 0;
  /// Errors: as proxy::Server::change_server.
  virtual Status change_server(const proxy::ServerChange& change) = 0;
  /// Errors: as proxy::Server::add_server.
  virtual Status add_server(const proxy::ServerAddition& addition) = 0;
  virtual Status remove_server(const proxy::ServerRemoval& removal) = 0;
  /// Live client connections, longest exchange first, at most `limit`.
  virtual std::vector<proxy::ConnectionView> connections(std::size_t limit) = 0;
  /// Prometheus text format, version 0.0.4.
  virtual std::string metrics() = 0;
  virtual std::shared_ptr<const proxy::SiteOptions> options() = 0;
  /// What is blocked now; null without a [blocklist].
  virtual std::shared_ptr<const policy::BlockTable> blocklist() = 0;
  /// Changes it, in its files too, for all workers. Errors: kNotFound without a [blocklist], kConfig, kIo.
  virtual Result<policy::BlockOutcome> edit_blocklist(policy::BlockEdit edit) = 0;
  /// What TLS listeners serve with; null without one.
  virtual std::shared_ptr<proxy::Certificates> certificates() = 0;
  /// As those of proxy::Server.
  virtual proxy::AcmeView acme() = 0;
  virtual Result<std::vector<std::string>> renew_by_acme(const std::string& name) = 0;
  virtual std::shared_ptr<tls::Challenges> challenges() = 0;
  /// Those of the site served now.
  virtual std::vector<std::shared_ptr<cache::Store>> caches() = 0;
  /// The site served now; its maintenance switches and faults may be changed.
  virtual std::shared_ptr<const proxy::Site> live_site() = 0;
  /// As proxy::Server::connect_inside.
  virtual Result<rpx::net::UniqueFd> connect_inside() = 0;
  /// The effective configuration as JSON, secrets masked.
  virtual std::string effective_config() = 0;
  /// Reads the configuration again and swaps it in, whole or not at all. The problems are why not.
  virtual std::expected<Reloaded, std::vector<config::Problem>> reload() = 0;
  /// What is wrong with the TOML `text`, or what it would change. Changes nothing.
  virtual Checked check(std::string_view text) = 0;
  /// Starts the program anew, hands it the listening sockets, and begins a graceful stop of this process once the new
  /// one serves. Takes as long as that; reloads are refused meanwhile. Its process id. Errors: kUsage where this proxy
  /// cannot be followed by another, an upgrade is under way, or the new one did not come to serve: this one goes on;
  /// kDraining when this one begins to stop first.
  virtual Result<std::int64_t> upgrade() = 0;
  /// Begins a graceful stop and returns at once; `grace` absent = as configured.
  virtual void stop(std::optional<Duration> grace) = 0;
};

}  // namespace rpx::control
