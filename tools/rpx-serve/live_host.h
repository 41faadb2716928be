// control::Host over a running proxy and the source of its configuration. Called from the control threads and, for
// SIGHUP, from the main thread; reloads wait for one another. While another process is being started in this one's
// place (upgrade) they are refused.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "cli/spec.h"
#include "control/host.h"
#include "launcher.h"
#include "proxy/server.h"
#include "sandbox.h"
#include "source.h"

namespace rpx::serve {

/// `-v` and `-q` applied to [log].level.
LogLevel effective_level(LogLevel configured, const cli::Common& common);

class LiveHost : public control::Host {
 public:
  struct Settings {
    Source source;
    cli::Common common;
    bool strict = false;  ///< warnings refuse a reload
    std::string control;  ///< path of the socket; empty = none
    std::string admin;    ///< address that [admin] is bound to; empty = none
    Sandbox sandbox = Sandbox::none();
    Launcher* launcher = nullptr;  ///< who starts another in this one's place; null = nobody may
    std::string alone;             ///< why nobody may: "it ends with its parent"
    int admin_fd = -1;             ///< what `admin` listens with
    std::string admin_text;        ///< as the configuration named `admin` when it was bound
  };
  /// `server` is borrowed. `stop_fd`, an eventfd, is written when a stop is asked for; stop_grace() then says how.
  LiveHost(proxy::Server& server, Settings settings, int stop_fd);

  control::Identity identity() override;
  proxy::StatusView status() override { return server_.status(); }
  std::vector<proxy::UpstreamView> upstreams() override { return server_.upstreams(); }
  Result<proxy::Explanation> explain(const proxy::ExplainQuestion& question) override {
    return server_.explain(question);
  }
  Result<proxy::HistoryView> server_history(std::string_view upstream, std::string_view server) override {
    return server_.server_history(upstream, server);
  }
  Status change_server(const proxy::ServerChange& change) override { return server_.change_server(change); }
  Status add_server(const proxy::ServerAddition& addition) override { return server_.add_server(addition); }
  Status remove_server(const proxy::ServerRemoval& removal) override { return server_.remove_server(removal); }
  std::vector<proxy::ConnectionView> connections(std::size_t limit) override { return server_.connections(limit); }
  std::string metrics() override { return server_.metrics(); }
  std::shared_ptr<const proxy::SiteOptions> options() override { return server_.options(); }
  std::shared_ptr<proxy::Certificates> certificates() override { return server_.certificates(); }
  proxy::AcmeView acme() override { return server_.acme(); }
  Result<std::vector<std::string>> renew_by_acme(const std::string& name) override {
    return server_.renew_by_acme(name);
  }
  std::shared_ptr<tls::Challenges> challenges() override { return server_.challenges(); }
  std::vector<std::shared_ptr<cache::Store>> caches() override { return server_.caches(); }
  std::shared_ptr<const proxy::Site> live_site() override { return server_.site(); }
  Result<rpx::net::UniqueFd> connect_inside() override { return server_.connect_inside(); }
  std::shared_ptr<const policy::BlockTable> blocklist() override { return server_.blocklist(); }
  Result<policy::BlockOutcome> edit_blocklist(policy::BlockEdit edit) override {
    return server_.edit_blocklist(std::move(edit));
  }
  std::string effective_config() override;
  std::expected<control::Reloaded, std::vector<config::Problem>> reload() override;
  control::Checked check(std::string_view text) override;
  Result<std::int64_t> upgrade() override;
  void stop(std::optional<Duration> grace) override;

  /// The proxy begins to stop: an upgrade that is under way is given up, and one that has come to its end has been
  /// noted by successor(). Waits a moment for that. Main thread.
  void give_up_upgrade();
  /// What the last stop() asked for.
  std::optional<Duration> stop_grace();
  /// The process that has taken over; 0 = none has.
  std::int64_t successor() const noexcept { return successor_.load(); }

 private:
  class UpgradeMark;
  std::expected<config::Loaded, std::vector<config::Problem>> load_changed();
  Result<std::vector<net::InheritedSockets>> sockets_to_leave();
  Result<std::int64_t> hand_over(Duration patience);

  proxy::Server& server_;
  const Settings settings_;
  const int stop_fd_;
  std::mutex reload_mutex_;
  bool upgrading_ = false;    ///< by reload_mutex_
  std::mutex upgrade_mutex_;  ///< before the others
  std::mutex end_mutex_;      ///< either the proxy begins to stop, or another process takes over
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> successor_{0};
  std::mutex stop_mutex_;
  std::optional<Duration> stop_grace_;
};

}  // namespace rpx::serve
