// Worker: one thread, one event loop, its own listeners, connections, pools and counters. Workers share nothing
// but immutable snapshots and a few atomics; others reach one by posting to its loop.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/spares.h"
#include "net/listener.h"
#include "policy/ban.h"
#include "policy/block_table.h"
#include "proxy/access_log.h"
#include "proxy/busy.h"
#include "proxy/connection_limits.h"
#include "proxy/counters.h"
#include "proxy/log_budget.h"
#include "proxy/shedding.h"
#include "proxy/views.h"
#include "rt/group.h"
#include "rt/loop.h"
#include "rt/offload.h"

namespace rpx::http {
class H2Stream;
}

namespace rpx::proxy {

struct ClientConnection;

/// What all workers count of one listener together: at the begin and the end of connections, not for requests.
struct ListenerCounters {
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};         ///< over its max_connections
  std::atomic<std::uint64_t> bytes_received{0};  ///< of connections that were passed on unread
  std::atomic<std::uint64_t> bytes_sent{0};
};

/// What a listener is to the connections it accepts. Replaced as a whole by a reload, but for what was counted.
struct ListenerFacts {
  ListenOptions options;
  std::string bound;
  bool is_unix = false;
  std::shared_ptr<ListenerCounters> counters = std::make_shared<ListenerCounters>();

  /// Counts a connection in; false when there are max_connections of them.
  bool enter() const noexcept {
    const std::uint64_t before = counters->open.fetch_add(1, std::memory_order_relaxed);
    if (options.max_connections == 0 || before < options.max_connections) {
      counters->accepted.fetch_add(1, std::memory_order_relaxed);
      return true;
    }
    counters->open.fetch_sub(1, std::memory_order_relaxed);
    counters->refused.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  void leave() const noexcept { counters->open.fetch_sub(1, std::memory_order_relaxed); }
};

class Worker {
 public:
  Worker(std::uint32_t number, ConnectionLimits& limits, rt::Offload& offload);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // From the server's thread.
  /// Starts the thread.
  void start();
  /// Takes up `site` before the next exchange; ready once it has. Also called before start().
  std::future<void> set_site(std::shared_ptr<const Site> site, std::shared_ptr<LogWriter> access_writer);
  /// Refuses whom `blocks` (null: nobody) names from now on and, when it says close, cuts those who are connected;
  /// ready once it has. Also called before start().
  std::future<void> set_blocks(std::shared_ptr<const policy::BlockTable> blocks);
  /// Who is told of clients to ban, on the worker's thread. Before start().
  void on_ban(std::function<void(policy::Ban)> tell) { tell_of_ban_ = std::move(tell); }
  /// Accepts on `fd`, which stays the caller's and outlives remove_listener().
  void add_listener(int fd, std::shared_ptr<const ListenerFacts> facts);
  void update_listener(int fd, std::shared_ptr<const ListenerFacts> facts);
  /// Takes what is queued on it, then accepts no more; returns when that is done.
  void remove_listener(int fd);
  /// Serves the other end of `fd` as a client at 127.0.0.1 who came over the listener that `facts` describe. Closed at
  /// once when there is no room for another connection.
  void serve_inside(net::UniqueFd fd, std::shared_ptr<const ListenerFacts> facts);
  /// From now on every reply says that its connection ends. Any thread; drain() follows.
  void announce_drain() noexcept { draining_.store(true, std::memory_order_relaxed); }
  /// Closes idle connections, and busy ones after their exchange; then calls `on_empty`, on the worker's thread. To be
  /// called once, when no listener is left.
  void drain(std::function<void()> on_empty);
  /// Cuts what is left and ends the thread. True when nothing had to be cut.
  bool stop_and_join();

  rt::Loop& loop() noexcept { return loop_; }
  const WorkerCounters& counters() const noexcept { return counters_; }
  std::uint32_t number() const noexcept { return number_; }
  /// How long what becomes ready waits for its turn.
  Duration lag() const noexcept { return shedding_.lag(); }
  /// On the worker's thread: its live connections.
  std::vector<ConnectionView> connection_views() const;

  // On the worker's thread, by the connections it serves.
  WorkerCounters& counts() noexcept { return counters_; }
  const std::shared_ptr<const LiveSite>& live() const noexcept { return live_; }
  const policy::BlockTable* blocks() const noexcept { return blocks_.get(); }
  AccessLog& access_log() noexcept { return access_log_; }
  ConnectionLimits& limits() noexcept { return limits_; }
  Shedding& shedding() noexcept { return shedding_; }
  LogBudget& log_budget() noexcept { return log_budget_; }
  /// For work that would hold this thread up.
  rt::Offload& offload() noexcept { return offload_; }
  void ban(policy::Ban ban) {
    counters_.banned.add();
    if (tell_of_ban_) tell_of_ban_(std::move(ban));
  }
  bool draining() const noexcept { return draining_.load(std::memory_order_relaxed); }
  /// Runs `task` beside the connections; it ends with the worker.
  void run_beside(rt::Task<void> task) { own_tasks_.spawn(std::move(task)); }
  std::unique_ptr<Busy> borrow();
  void give_back(std::unique_ptr<Busy> busy) noexcept;
  /// Streams of HTTP/2 for further requests, with all that works on them.
  Spares<http::H2Stream>& spare_streams() noexcept { return spare_streams_; }
  void link(ClientConnection& connection) noexcept;
  void unlink(ClientConnection& connection) noexcept;
  /// 32 hexadecimal digits that no other exchange has.
  void make_request_id(char* out) noexcept;
  /// From nothing up to `most`, by chance.
  Duration chance(Duration most) noexcept;
  /// The value of a Date field for now (RFC 9110 section 6.6.1); valid until the next call.
  std::string_view http_date();
  /// Now as the wall clock has it, made from the loop's time.
  WallTime wall_now() const noexcept {
    return wall_offset_ + std::chrono::duration_cast<WallTime::duration>(loop_.now().time_since_epoch());
  }
  std::uint64_t next_connection_id() noexcept { return ++connections_made_; }

 private:
  struct Acceptor;
  rt::Task<void> accept_from(Acceptor& acceptor);
  bool accept_one(Acceptor& acceptor, int& failed);
  void refuse(const Acceptor& acceptor, int fd) noexcept;
  void use_blocks(std::shared_ptr<const policy::BlockTable> blocks);
  rt::Task<void> tick();
  rt::Task<void> tell_when_empty(std::function<void()> on_empty);
  rt::Task<bool> wait_for_room(Acceptor& acceptor);
  std::uint64_t next_random() noexcept;
  void use_site(std::shared_ptr<const Site> site, std::shared_ptr<LogWriter> access_writer);
  void run();

  const std::uint32_t number_;
  ConnectionLimits& limits_;
  rt::Offload& offload_;
  rt::Loop loop_;
  WorkerCounters counters_;
  Shedding shedding_;
  std::shared_ptr<const LiveSite> live_;
  std::shared_ptr<const policy::BlockTable> blocks_;
  std::function<void(policy::Ban)> tell_of_ban_;
  AccessLog access_log_;
  LogBudget log_budget_;
  Spares<Busy> spare_;
  Spares<http::H2Stream> spare_streams_;
  ClientConnection* first_ = nullptr;
  std::uint64_t connections_made_ = 0;
  std::uint64_t random_[2];
  std::time_t date_second_ = -1;
  std::string date_;
  WallTime wall_offset_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> cut_{false};
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  rt::TaskGroup connections_;
  rt::TaskGroup own_tasks_;
  std::thread thread_;
};

/// The live connections of `workers`, longest exchange first, at most `limit`; of a worker that has not answered by
/// `until` none. Blocks: not on a worker's thread.
std::vector<ConnectionView> collect_connections(const std::vector<std::unique_ptr<Worker>>& workers, std::size_t limit,
                                                Instant until);

}  // namespace rpx::proxy
