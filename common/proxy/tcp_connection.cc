#include "proxy/tcp_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "balance/random.h"
#include "base/log.h"
#include "base/result.h"
#include "net/buffer.h"
#include "net/client_hello.h"
#include "net/proxy_header.h"
#include "proxy/site.h"
#include "upstream/gone_watch.h"

namespace rpx::proxy {
namespace {

// Room for the servers a connection may try.
constexpr std::size_t kMostServers = 16;

double in_seconds(Duration span) noexcept { return std::chrono::duration<double>(span).count(); }

void write_line(ClientConnection& connection, const Passage& passage, Duration took) {
  const std::string client = connection.listener->is_unix ? "unix" : connection.peer.to_string();
  AccessEntry entry;
  entry.time = connection.worker.wall_now() - std::chrono::duration_cast<WallTime::duration>(took);
  entry.client = client;
  entry.peer = client;
  entry.scheme = "tcp";
  entry.host = passage.name;
  entry.authority = passage.name;
  entry.protocol = "TCP";
  entry.listener = connection.listener->options.name;
  entry.upstream = passage.upstream;
  if (passage.server) entry.server = passage.server->url();
  if (passage.failure) entry.reason = facts_of(passage.failure->kind).name;
  entry.client_certificate_subject = subject_of(connection);
  entry.client_certificate_fingerprint = fingerprint_of(connection);
  entry.tries = passage.tries;
  entry.bytes_received = passage.moved.from_client;
  entry.bytes_sent = passage.moved.to_client;
  if (passage.tries != 0) entry.queue_s = in_seconds(passage.queued);
  if (passage.connect >= Duration::zero()) entry.connect_s = in_seconds(passage.connect);
  entry.total_s = in_seconds(took);
  connection.worker.access_log().add(entry);
}

// The bookkeeping of a connection, even when its task is destroyed half-way.
class Account {
 public:
  Account(ClientConnection& connection, Passage& passage) noexcept : connection_(connection), passage_(passage) {
    passage.begun = connection.worker.loop().now();
    connection.passage = &passage;
    connection.worker.counts().tcp_connections.add();
    connection.worker.counts().exchanges.add();
  }
  ~Account() {
    connection_.passage = nullptr;
    if (!ended_) passage_.failure = Error{ErrorKind::kCancelled, Side::kSelf, "cut short by the proxy's end"};
    WorkerCounters& counts = connection_.worker.counts();
    counts.exchanges.sub();
    counts.bytes_received.add(passage_.moved.from_client);
    counts.bytes_sent.add(passage_.moved.to_client);
    ListenerCounters& listener = *connection_.listener->counters;
    listener.bytes_received.fetch_add(passage_.moved.from_client, std::memory_order_relaxed);
    listener.bytes_sent.fetch_add(passage_.moved.to_client, std::memory_order_relaxed);
    if (passage_.server) {
      upstream::Server::Counters& server = passage_.server->counters();
      server.passed_to.fetch_add(passage_.moved.from_client, std::memory_order_relaxed);
      server.passed_from.fetch_add(passage_.moved.to_client, std::memory_order_relaxed);
    }
    if (connection_.worker.access_log().enabled())
      write_line(connection_, passage_, connection_.worker.loop().now() - passage_.begun);
  }
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;
  void end() noexcept { ended_ = true; }

 private:
  ClientConnection& connection_;
  Passage& passage_;
  bool ended_ = false;
};

// The listener as the site that is live now has it: it may name other upstreams than at the time of accept.
const ListenOptions& listener_of(const ClientConnection& connection, const Site& site) noexcept {
  const ListenOptions& accepted = connection.listener->options;
  for (const ListenOptions& listener : site.options().listen)
    if (listener.address == accepted.address && listener.name == accepted.name &&
        listener.is_tcp() == accepted.is_tcp())
      return listener;
  return accepted;
}

// Looks at the client's first bytes without taking them: what follows passes them on. A client that does not speak
// TLS asks for no name.
RPX_OWN_FRAME rt::Task<Result<std::string>> peek_name(ClientConnection& connection, Instant deadline) {
  rt::Pollable& io = connection.plain.io();
  for (;;) {
    const std::span<char> bytes = net::scratch().first(net::kMaxClientHello);
    const ssize_t got = recv(io.fd(), bytes.data(), bytes.size(), MSG_PEEK);
    if (got == 0) co_return client_error(ErrorKind::kClosed, "closed before its first byte");
    if (got < 0 && errno != EAGAIN && errno != EINTR)
      co_return std::unexpected(net::io_error(errno, Side::kClient, "recv"));
    if (got > 0) {
      RPX_CO_TRY(net::ClientHello hello, net::parse_client_hello(bytes.first(static_cast<std::size_t>(got))));
      if (hello.complete) co_return std::move(hello.server_name);
    }
    io.cleared_read();
    if (io.peer_closed()) co_return client_error(ErrorKind::kClosed, "closed in the middle of its ClientHello");
    const rt::Wake wake = co_await io.readable(deadline);
    if (wake == rt::Wake::kTimeout) co_return client_error(ErrorKind::kHeaderTimeout, "no ClientHello in time");
    if (wake == rt::Wake::kInterrupted) co_return client_error(ErrorKind::kDraining, "the proxy is stopping");
  }
}

std::uint64_t key_for(const ClientConnection& connection, const Upstream& upstream) {
  return upstream.wants == balance::Wants::kAddress ? balance::hash_of(connection.peer.to_string()) : 0;
}

// A connection to one server after the other, as far as the rule for retries goes.
RPX_OWN_FRAME rt::Task<Status> reach_server(ClientConnection& connection, Passage& passage, const Upstream& upstream) {
  rt::Loop& loop = connection.worker.loop();
  upstream::Pool& pool = *passage.pool;
  std::array<upstream::Member*, kMostServers> tried;
  std::string preface;
  if (const std::uint32_t version = upstream.options->proxy_protocol; version != 0)
    preface = preface_for(connection, connection.peer, version);
  const std::uint64_t key = key_for(connection, upstream);
  pool.budget().on_request(upstream.retry.budget());
  const Instant hold_until = pool.hold() > Duration::zero() ? deadline_after(loop.now(), pool.hold()) : Instant{};
  std::uint32_t counted = 0;  // of the tries, since it had to begin anew
  for (;;) {
    const std::span<upstream::Member* const> so_far(tried.data(), counted);
    upstream::Member* next = nullptr;
    if (pool.waits()) {
      passage.place.release();
      const Instant asked = loop.now();
      Result<upstream::Member*> found =
          co_await pool.pick_place(so_far, key, &connection.stream(), passage.place, hold_until);
      passage.queued += loop.now() - asked;
      RPX_CO_TRY(next, std::move(found));
    } else {
      next = pool.pick(so_far, key);
    }
    if (!next) co_return upstream_error(ErrorKind::kNoServer, "no server is left to try");
    ++passage.tries;
    tried[counted++] = next;
    passage.server = upstream::Pool::server_of(*next);
    const Instant begun = loop.now();
    Result<upstream::Lease> lease = co_await pool.connect(*next, preface);
    passage.connect = loop.now() - begun;
    if (lease) {
      passage.lease = std::move(*lease);
      pool.learn(*passage.server, passage.connect, false);
      pool.judge(*passage.server, true);
      passage.server->counters().requests.fetch_add(1, std::memory_order_relaxed);
      pool.begun(*passage.server);
      co_return Status{};
    }
    pool.judge(*passage.server, false, lease.error().detail);
    const upstream::Failure failure{.kind = lease.error().kind};
    const bool holding = loop.now() < hold_until;
    const bool wanted =
        upstream.retry.after(failure, "GET", http::Method::kGet, holding ? 1 : counted) == upstream::Verdict::kNext &&
        (holding || pool.budget().take(loop.now()));
    const bool other = counted < kMostServers && pool.has_other({tried.data(), counted});
    if (!wanted || (!other && !holding)) co_return std::unexpected(std::move(lease).error());
    if (!other) counted = 0;
    connection.worker.counts().retries.add();
  }
}

// From the client's first byte to a connection to a server.
RPX_OWN_FRAME rt::Task<Status> begin_passage(ClientConnection& connection, Passage& passage, Duration& idle) {
  Worker& worker = connection.worker;
  const std::shared_ptr<const LiveSite> at_first = worker.live();
  if (passage.passed || !listener_of(connection, *at_first->site).sni.empty()) {
    const Instant deadline = deadline_after(connection.accepted, at_first->site->limits().tls_handshake);
    RPX_CO_TRY(passage.name, co_await peek_name(connection, deadline));
  }
  connection.idle = false;
  // The site may have changed while the client was silent.
  const std::shared_ptr<const LiveSite> live = worker.live();
  const ListenOptions& listener = listener_of(connection, *live->site);
  idle = listener.idle;
  const policy::NameValues& names = passage.passed ? listener.pass : listener.sni;
  passage.upstream = names.empty() ? listener.upstream : std::string(upstream_for(names, passage.name));
  if (passage.upstream.empty())
    co_return client_error(ErrorKind::kNoRoute, passage.name.empty() ? std::string("a client that asks for no name")
                                                                     : "no upstream for " + passage.name);
  const std::vector<Upstream>& upstreams = live->site->upstreams();
  const auto found = std::ranges::find_if(
      upstreams, [&passage](const Upstream& one) { return one.options->name == passage.upstream; });
  if (found == upstreams.end()) co_return self_error(ErrorKind::kNoRoute, "there is no upstream " + passage.upstream);
  passage.pool = live->pools[static_cast<std::size_t>(found - upstreams.begin())];
  passage.phase = Phase::kWaiting;
  co_return co_await reach_server(connection, passage, *found);
}

void tell(const ClientConnection& connection, const Passage& passage, const Error& error) {
  const bool ours = error.side == Side::kUpstream || error.side == Side::kSelf;
  log_event(ours ? LogLevel::kWarning : LogLevel::kInfo, "connection was not passed on",
            {{"client", connection.listener->is_unix ? "unix" : connection.peer.to_string()},
             {"listener", connection.listener->options.name},
             {"upstream", passage.upstream},
             {"reason", error.detail}});
}

bool refused_by_blocklist(ClientConnection& connection) {
  const policy::BlockTable* blocks = connection.worker.blocks();
  if (!blocks || connection.listener->is_unix || !blocks->blocks(connection.peer)) return false;
  blocks->count_hit(connection.peer);
  connection.worker.counts().blocked.add();
  return true;
}

}  // namespace

std::string_view upstream_for(const policy::NameValues& names, std::string_view name) noexcept {
  std::string_view best;
  std::size_t best_size = 0;
  for (const auto& [pattern, upstream] : names) {
    if (!name.empty() && pattern == name) return upstream;
    const bool suffix = pattern.starts_with("*.") && name.size() >= pattern.size() &&
                        name.ends_with(std::string_view(pattern).substr(1));
    if ((suffix || pattern == "*") && pattern.size() > best_size) {
      best = upstream;
      best_size = pattern.size();
    }
  }
  return best;
}

std::string preface_for(ClientConnection& connection, const IpAddress& client, std::uint32_t version) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (connection.listener->is_unix ||
      getsockname(connection.stream().fd(), reinterpret_cast<sockaddr*>(&bound), &length) != 0)
    return net::make_proxy_header(version, std::nullopt, {});
  Address source;
  source.ip = client;
  source.port = client == connection.peer ? connection.port : 0;
  return net::make_proxy_header(version, source,
                                Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound), length));
}

rt::Task<Result<bool>> is_passed(ClientConnection& connection) {
  const Duration patience = connection.worker.live()->site->limits().tls_handshake;
  const Result<std::string> name = co_await peek_name(connection, deadline_after(connection.accepted, patience));
  if (name) co_return !upstream_for(connection.listener->options.pass, *name).empty();
  // What is no ClientHello is for those to answer who read it.
  if (name.error().kind == ErrorKind::kBadRequest) co_return false;
  co_return std::unexpected(name.error());
}

rt::Task<void> serve_tcp(ClientConnection& connection, bool passed) {
  // Where HTTP would get a status there is nobody who would read it.
  if (refused_by_blocklist(connection)) co_return;
  Passage passage;
  passage.passed = passed;
  Account account(connection, passage);
  Duration idle{};
  Status done = co_await begin_passage(connection, passage, idle);
  if (!done) {
    tell(connection, passage, done.error());
  } else {
    passage.phase = Phase::kTunnel;
    net::Stream& server = passage.lease.stream();
    done = co_await tunnel(connection.stream(), server, {}, {}, idle, passage.moved);
    // Who was promised more bytes is to see that they will not come.
    if (!done && done.error().kind != ErrorKind::kIdleTimeout) {
      connection.stream().reset_on_close();
      server.reset_on_close();
    }
  }
  if (!done) passage.failure = std::move(done).error();
  account.end();
}

}  // namespace rpx::proxy
