// The servers of one upstream as one worker uses them: which comes next, connections kept for reuse, and the
// leases of those in use. A reload changes a pool in place; what did not change keeps its connections. One thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "balance/percentiles.h"
#include "balance/policy.h"
#include "net/stream.h"
#include "rt/loop.h"
#include "upstream/options.h"
#include "upstream/queue.h"
#include "upstream/retry.h"
#include "upstream/server.h"

namespace rpx::http {
class H2Client;
class H2Slot;
}  // namespace rpx::http

namespace rpx::upstream {

class Pool;

/// A server within a pool of a worker. Stays alive while it has leases.
struct Member;
struct WaitingClient;

/// A connection to a server that is in use. Returns itself: to the pool by give_back(), else closed when destroyed.
class Lease {
 public:
  Lease() noexcept;
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  explicit operator bool() const noexcept;
  /// Only where slot() is null.
  net::Stream& stream() noexcept;
  /// The place on a connection of HTTP/2 that it is instead of a connection of its own; else null.
  http::H2Slot* slot() noexcept;
  /// It was used before, so the server may just have closed it.
  bool reused() const noexcept;
  Server& server() noexcept;
  Member* member() noexcept { return member_; }
  /// Keeps the connection for another request. `server_idle` is how long the server said it keeps it (Keep-Alive:
  /// timeout), or zero.
  void give_back(Duration server_idle);
  /// Closes it.
  void drop() noexcept;

 private:
  friend class Pool;
  struct Connection;
  friend struct Member;
  Lease(Pool& pool, Member& member, std::unique_ptr<Connection> connection) noexcept;
  void leave() noexcept;
  Pool* pool_ = nullptr;
  Member* member_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

class Pool {
 public:
  /// `seed` differs by worker.
  Pool(rt::Loop& loop, std::uint64_t seed);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Takes up a configuration: the first one, or that of a reload. Servers that are still there keep everything.
  /// `queue` is that of all workers; null where no server has max_connections.
  void configure(const UpstreamOptions& options, std::span<const std::shared_ptr<Server>> servers,
                 std::shared_ptr<Queue> queue = nullptr);

  /// The server to try next, never one of `tried` unless there is no other way to try at all; null when every one has
  /// been tried or taken out. Backups come after the others; servers that checks or a failed connect speak against only
  /// when no other is left. `key` is for policies that hash.
  Member* pick(std::span<Member* const> tried, std::uint64_t key = 0);
  /// Whether any server is well; panic counts as such, as it has all of them tried.
  bool anybody_well() const noexcept;
  /// `server` for a session that it has, with a place where it needs one; null when it is down, full, or takes no more
  /// requests of its sessions.
  Member* pick_bound(const Server& server, Place& place);
  /// Whether servers have max_connections, or requests wait for a server to come back: pick_place() is to be used then.
  bool waits() const noexcept { return limited_ || hold_ > Duration::zero(); }
  /// How long requests wait for a server where none is well.
  Duration hold() const noexcept { return hold_; }
  /// As pick(), with a place at the server; waits for one in turn, at most connect.queue, and where no server is well
  /// until `hold_until`. `tried` and `place` outlive the call. Errors: kNoServer, kPoolFull (kUpstream), kReset
  /// and kClosed (kClient) when `client` goes away meanwhile.
  rt::Task<Result<Member*>> pick_place(std::span<Member* const> tried, std::uint64_t key, WaitingClient client,
                                       Place& place, Instant hold_until = {});
  /// The server has asked to be left alone for so long.
  void rest(Member& member, Duration lasting) noexcept;
  /// Whether pick() would give one.
  bool has_other(std::span<Member* const> tried) const noexcept;
  static const std::shared_ptr<Server>& server_of(const Member& member) noexcept;

  /// A connection to `member`: a kept one, or a new one within connect.timeout. `fresh` leaves kept ones alone.
  /// Errors, Side::kUpstream: kUnresolved, kConnectRefused, kConnectTimeout, kConnectFailed, kTlsCertificate,
  /// kTlsProtocol, kClosed.
  /// `preface` is sent first (see Security).
  rt::Task<Result<Lease>> connect(Member& member, std::string_view preface = {});
  /// What a request is sent over: connect(), or with HTTP/2 a place on a connection that is shared, made if need be.
  rt::Task<Result<Lease>> open(Member& member, std::string_view preface = {});
  /// The same for a request that asks for another protocol: where the server speaks HTTP/2 and takes no extended
  /// CONNECT (RFC 8441), over HTTP/1 if the upstream's protocol is "auto". Errors as open(), and kUpgradeFailed.
  rt::Task<Result<Lease>> open_upgrade(Member& member, std::string_view preface = {});
  /// A kept connection that still looks alive, or a place on a shared one, or an empty lease. `careful` asks the kernel
  /// once more (for requests that cannot be repeated).
  Lease reuse(Member& member, bool careful);

  /// `server` took so long to answer, or to fail: for policies that mind it.
  void learn(Server& server, Duration took, bool failed) noexcept;

  /// A request to `server` went well, or failed as `what` says: a failed connect, a broken reply, a 5xx; it took so
  /// long. By the upstream's `eject` and `breaker`, enough of these take the server out for a while.
  void judge(Server& server, bool good, std::string_view what = {}, Duration took = {});
  /// A request goes to `server` now, its lease is held: there may be more than its circuit stands.
  void begun(Server& server);
  /// How long the first server of a request has before another is asked as well; nothing where that is not done, or
  /// not enough is known of replies. `well` says whether that other is worth it.
  std::optional<Duration> hedge_delay() const noexcept;
  bool well(const Member& member) const noexcept { return is_well(member, loop_.now()); }

  /// Closes what has been idle for too long. To be called about once a second.
  void sweep(Instant now);
  RetryBudget& budget() noexcept { return budget_; }
  /// Copies of other upstreams' requests that are under way to this one (proxy/mirror).
  std::uint32_t& copies() noexcept { return copies_; }
  rt::Loop& loop() noexcept { return loop_; }

 private:
  friend class Lease;
  rt::Task<Result<std::unique_ptr<net::Stream>>> dial_any(Member& member, std::string_view preface,
                                                          std::string_view alpn);
  void use_protocol(const std::string& protocol);
  Lease share(Member& member, bool reused);
  Lease lease_on(Member& member, std::shared_ptr<http::H2Client> client, bool reused);
  rt::Task<Result<Lease>> dial_shared(Member& member);
  void left(Member& member, const http::H2Client& client) noexcept;
  void keep(Member& member, std::unique_ptr<Lease::Connection> connection, Duration server_idle);
  void ended(Member& member) noexcept;
  void failed(Member& member, const Error& error);
  void worked(Member& member) noexcept;
  std::optional<std::size_t> pick_among(std::span<Member* const> tried, std::uint32_t tier, bool panic,
                                        std::uint64_t key);
  Member* pick_in_tiers(std::span<Member* const> tried, bool panic, std::uint64_t key);
  void set_tiers();
  bool is_well(const Member& member, Instant now) const noexcept;
  /// Too few servers are well for that to be believed.
  bool in_panic() const noexcept;
  void describe(std::size_t index);
  bool is_down(const Member& member) const noexcept;
  bool may_try(const Server& server, Instant now) const noexcept;
  /// False when the server is ejected or its circuit open, and another request is the one that tries it; in a panic
  /// ejections are not minded.
  bool claim(Server& server, bool panic = false) noexcept;
  /// A server that may be tried when none is well.
  bool is_left(const Member& member, Instant now) const noexcept;
  void judge_circuit(Server& server, bool good, Duration took, std::string_view what);
  void open_circuit(Server& server, std::string why);
  void close_circuit(Server& server);
  void eject_laggards(Instant now);
  void eject(Server& server, std::string_view why, std::string_view what);
  void end_ejection(Server& server);
  /// A member with a place; null when all that could be used are full, or with `hold` none is well.
  Result<Member*> try_place(std::span<Member* const> tried, std::uint64_t key, Place& place, bool hold);

  rt::Loop& loop_;
  std::uint64_t seed_;
  ConnectOptions connect_;
  std::string balance_;
  std::optional<EjectOptions> eject_;
  std::optional<BreakerOptions> breaker_;
  std::optional<HedgeOptions> hedge_;
  balance::Percentiles reply_times_;  // for `hedge`
  balance::Wants wants_ = balance::Wants::kNothing;
  std::unique_ptr<balance::Policy> policy_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::unique_ptr<Member>> retired_;  // gone from the configuration, leases still out
  std::vector<balance::Endpoint> endpoints_;      // scratch of pick()
  RetryBudget budget_;
  std::uint32_t copies_ = 0;
  std::shared_ptr<Queue> queue_;
  std::vector<std::uint32_t> tiers_;  // of the servers, the first to be used first
  Duration hold_{};
  double panic_ = 0;
  std::string protocol_;
  bool shares_ = false;  // HTTP/2 is spoken, or may be
  bool limited_ = false;
  bool saw_full_ = false;  // by the last pick(): a server that would do, but for its max_connections
};

}  // namespace rpx::upstream
