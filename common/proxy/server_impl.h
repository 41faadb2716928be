// The running proxy behind server.h: what its three files share. Nobody else includes it. Threads as there.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "net/listener.h"
#include "net/resolver.h"
#include "proxy/acme_keeper.h"
#include "proxy/blocklist_keeper.h"
#include "proxy/certificates.h"
#include "proxy/explain.h"
#include "proxy/inside.h"
#include "proxy/log_writer.h"
#include "proxy/membership.h"
#include "proxy/server.h"
#include "proxy/site.h"
#include "proxy/stapler.h"
#include "proxy/ticker.h"
#include "proxy/watcher.h"
#include "proxy/worker.h"

namespace rpx::proxy {

/// Names are given this long to resolve before the first connection is accepted; serving starts then anyway.
inline constexpr Duration kFirstAnswers = std::chrono::milliseconds(500);
/// What is in disk stores is found out for this long before the first connection is accepted; serving starts then
/// anyway.
inline constexpr Duration kDiskTime = std::chrono::seconds(10);
/// A worker answers a question within a round of its loop; one that does not is left out of the answer.
inline constexpr std::chrono::seconds kAnswerTime{2};
/// Passwords are hashed and files read by so many threads; requests past what waits for them are answered with 503.
inline constexpr std::size_t kOffloadThreads = 4;
inline constexpr std::size_t kOffloadWaiting = 256;

struct BoundListener {
  net::Listener sockets;
  std::shared_ptr<const ListenerFacts> facts;
};

/// See server.h; its parts are in server.cc (life), server_views.cc (what it tells) and server_members.cc (its
/// servers).
class ServerImpl final : public Server {
 public:
  ~ServerImpl() override;
  Status begin(SiteOptions options);

  void settle() override { acme_.start(); }
  Result<std::vector<std::string>> reload(SiteOptions options) override;
  void stop(Duration grace) override;
  bool wait() override;
  Result<std::vector<net::InheritedSockets>> sockets_for_successor() override;
  void leave_to_successor() override;
  void reopen_logs() override;
  StatusView status() override;
  bool settled() override;
  std::vector<UpstreamView> upstreams() override;
  Result<Explanation> explain(const ExplainQuestion& question) override {
    return proxy::explain(*site_now(), blocklist_.table().get(), question);
  }
  Result<HistoryView> server_history(std::string_view upstream, std::string_view server) override;
  Status change_server(const ServerChange& change) override;
  Status add_server(const ServerAddition& addition) override;
  Status remove_server(const ServerRemoval& removal) override;
  std::vector<ConnectionView> connections(std::size_t limit) override;
  std::string metrics() override;
  std::shared_ptr<const SiteOptions> options() override;
  std::shared_ptr<Certificates> certificates() override { return site_now()->certificates(); }
  AcmeView acme() override { return acme_.view(); }
  Result<std::vector<std::string>> renew_by_acme(const std::string& name) override { return acme_.renew(name); }
  std::shared_ptr<tls::Challenges> challenges() override { return site_now()->challenges(); }
  std::shared_ptr<const Site> site() override { return site_now(); }
  std::vector<std::shared_ptr<cache::Store>> caches() override { return site_now()->stores(); }
  Result<net::UniqueFd> connect_inside() override { return proxy::connect_inside(workers_); }
  std::shared_ptr<const policy::BlockTable> blocklist() override { return blocklist_.table(); }
  Result<policy::BlockOutcome> edit_blocklist(policy::BlockEdit edit) override {
    return blocklist_.edit(std::move(edit));
  }

 private:
  std::shared_ptr<const Site> site_now() {
    const std::scoped_lock lock(mutex_);
    return site_;
  }
  Result<BoundListener> bind(const ListenOptions& options) const;
  void for_each_socket(const BoundListener& listener, const std::function<void(Worker& worker, int fd)>& call) const;
  void serve_on(const BoundListener& listener);
  void close_listener(BoundListener& listener);
  Result<std::shared_ptr<LogWriter>> access_writer_for(const LogOptions& log);
  Result<std::vector<BoundListener>> bind_new(const std::vector<ListenOptions>& wanted);
  void swap_listeners(const std::vector<ListenOptions>& wanted, std::vector<BoundListener> added);
  std::vector<const WorkerCounters*> all_counters() const;
  void run_down();
  void publish_blocks(const BlocklistKeeper::Table& table);
  void take_up(std::shared_ptr<const Site> site);
  Result<Membership> members_of(SiteOptions options);
  Status use_members(Membership members);
  void look_at_members();
  RunState restore_state();
  void save_state();
  std::string state_file() const;
  void restore_sessions();
  void keep_sessions(bool last);

  const WallTime started_ = std::chrono::system_clock::now();
  net::Resolver resolver_;
  ConnectionLimits limits_;
  upstream::HealthChecks checks_;
  std::vector<std::unique_ptr<Worker>> workers_;
  rt::Offload offload_{kOffloadThreads, kOffloadWaiting};  // ends before the loops it answers to
  BlocklistKeeper blocklist_{[this](const BlocklistKeeper::Table& table) { publish_blocks(table); }};
  Ticker member_ticker_{"rpx-members", [this] { look_at_members(); }};
  Ticker session_ticker_{"rpx-sessions", [this] { keep_sessions(false); }};
  Watcher watcher_;
  AcmeKeeper acme_{resolver_};
  Stapler stapler_{resolver_};
  std::atomic<bool> has_successor_{false};
  bool started_workers_ = false;  // set once, before anybody else knows of this server

  std::mutex mutex_;  // guards what follows; never held while a worker is waited for, but for its listeners
  std::shared_ptr<const Site> site_;
  Membership members_;
  std::shared_ptr<LogWriter> access_writer_;
  std::string access_target_;
  std::vector<BoundListener> listeners_;
  std::uint64_t generation_ = 1;
  std::uint64_t sessions_kept_ = 0;  // version of what the file holds
  Instant sessions_at_{};            // and when it was written

  std::mutex stop_mutex_;
  std::condition_variable stopped_;
  std::thread stopper_;
  bool stopping_ = false;
  std::size_t empty_workers_ = 0;
  Instant stop_at_ = Instant::max();
  bool over_ = false;
  bool whole_ = true;
};

}  // namespace rpx::proxy
