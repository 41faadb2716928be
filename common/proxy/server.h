// The running proxy: listeners, workers, and the site they serve. Made and steered by tools/rpx-serve
// and control/; every function may be called from any thread but a worker's.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/error.h"
#include "cache/store.h"
#include "net/fd.h"
#include "net/inherited.h"
#include "policy/blocklist.h"
#include "proxy/acme_views.h"
#include "proxy/certificates.h"
#include "proxy/explain.h"
#include "proxy/options.h"
#include "proxy/server_change.h"
#include "proxy/views.h"

namespace rpx::proxy {

class Site;

class Server {
 public:
  /// Binds every listener, starts the workers and serves. Errors: kConfig (what the site is made of), kIo (binding),
  /// in one line that names the listener or route.
  static Result<std::unique_ptr<Server>> start(SiteOptions options);
  virtual ~Server() = default;

  /// The process is what it is to be from now on: its user, its confines. Work in the background that writes files
  /// begins, such as obtaining certificates. Once.
  virtual void settle() = 0;
  /// Builds a site from `options` and swaps it in, whole or not at all. No connection or exchange is cut.
  /// Returns what could not change while running and why it will take a restart (empty mostly).
  virtual Result<std::vector<std::string>> reload(SiteOptions options) = 0;
  /// Stops accepting, lets exchanges finish for `grace`, then cuts what is left. Returns at once; see wait().
  virtual void stop(Duration grace) = 0;
  /// Blocks until stopped. True when nothing had to be cut.
  virtual bool wait() = 0;
  /// Copies of the sockets of all listeners, for a process that is to take over; what it is to know is written down.
  /// Errors: kDraining, kIo.
  virtual Result<std::vector<net::InheritedSockets>> sockets_for_successor() = 0;
  /// It has taken over: files that both would write or remove are its own from now on. stop() follows.
  virtual void leave_to_successor() = 0;
  /// Opens the log files again (after rotation).
  virtual void reopen_logs() = 0;

  virtual StatusView status() = 0;
  /// Every active check has been made, and has found what is believed of its server.
  virtual bool settled() = 0;
  virtual std::vector<UpstreamView> upstreams() = 0;
  /// See proxy/explain.h.
  virtual Result<Explanation> explain(const ExplainQuestion& question) = 0;
  /// Errors: kNotFound, when there is no such upstream or server.
  virtual Result<HistoryView> server_history(std::string_view upstream, std::string_view server) = 0;
  /// Changes what every worker thinks of a server, at once; lives on over reloads. Errors: kNotFound, when there is no
  /// such upstream or server; kNoServer, when it would take out the last one that can answer, without force.
  virtual Status change_server(const ServerChange& change) = 0;
  /// Takes a server into an upstream, or out of it, for all workers; over reloads and restarts too. Errors: kNotFound
  /// for the upstream or server; kBadRequest for what no server can be; kConfig where it is there already, or cannot be
  /// written to a file; kNoServer as above; kIo.
  virtual Status add_server(const ServerAddition& addition) = 0;
  virtual Status remove_server(const ServerRemoval& removal) = 0;
  /// Live client connections, longest exchange first, at most `limit`.
  virtual std::vector<ConnectionView> connections(std::size_t limit) = 0;
  /// Prometheus text format, version 0.0.4.
  virtual std::string metrics() = 0;
  /// What is blocked now; null without a [blocklist].
  virtual std::shared_ptr<const policy::BlockTable> blocklist() = 0;
  /// Changes it, in its files too; all workers refuse by it when this returns. Errors: kNotFound without a [blocklist],
  /// kConfig for a file that is wrong, kIo.
  virtual Result<policy::BlockOutcome> edit_blocklist(policy::BlockEdit edit) = 0;
  /// What its TLS listeners serve with; null without one. Replaced by a reload.
  virtual std::shared_ptr<Certificates> certificates() = 0;
  /// The certificates that it obtains by itself, and what authorities are answered meanwhile.
  virtual AcmeView acme() = 0;
  /// Makes one of them due, or all when `name` is empty. The names. Errors: kNotFound.
  virtual Result<std::vector<std::string>> renew_by_acme(const std::string& name) = 0;
  virtual std::shared_ptr<tls::Challenges> challenges() = 0;
  /// The stores of its caches.
  virtual std::vector<std::shared_ptr<cache::Store>> caches() = 0;
  /// A connection to this proxy that no listener sees: what is said to the socket given back is answered as to a client
  /// at 127.0.0.1, whose X-Forwarded-Proto is believed. Errors: kIo.
  virtual Result<net::UniqueFd> connect_inside() = 0;
  /// The site being served now.
  virtual std::shared_ptr<const Site> site() = 0;
  /// The options of the site being served now.
  virtual std::shared_ptr<const SiteOptions> options() = 0;
};

}  // namespace rpx::proxy
