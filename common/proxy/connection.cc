#include "proxy/connection.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/log.h"
#include "base/result.h"
#include "net/proxy_protocol.h"
#include "proxy/h2_connection.h"
#include "proxy/handle.h"
#include "proxy/secure.h"
#include "proxy/site.h"
#include "proxy/tcp_connection.h"
#include "proxy/wrong_protocol.h"

namespace rpx::proxy {
namespace {

// How long, and for how many bytes, a connection that is being closed listens on, so that a client that still
// sends reads our reply and not a reset.
constexpr Duration kLingerTime = std::chrono::seconds(2);
constexpr std::size_t kLingerBytes = 1024 * 1024;

// The connection's place in its worker's list and in the counts, for as long as it lives.
class Presence {
 public:
  explicit Presence(ClientConnection& connection) : connection_(connection) {
    connection.worker.link(connection);
    connection.worker.counts().connections.add();
  }
  ~Presence() {
    connection_.worker.unlink(connection_);
    connection_.worker.counts().connections.sub();
    connection_.worker.limits().leave();
    connection_.listener->leave();
    if (connection_.counted_client) connection_.worker.limits().leave_client(connection_.peer);
  }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

 private:
  ClientConnection& connection_;
};

// A Busy lent to a connection; goes back, reset, however the exchange ends.
class Loan {
 public:
  explicit Loan(ClientConnection& connection) : connection_(connection), busy_(connection.worker.borrow()) {
    connection.busy = busy_.get();
    connection.idle = false;
  }
  ~Loan() {
    connection_.busy = nullptr;
    connection_.idle = true;
    connection_.worker.shedding().is_idle(connection_);
    busy_->reset();
    connection_.worker.give_back(std::move(busy_));
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  Busy& operator*() noexcept { return *busy_; }

 private:
  ClientConnection& connection_;
  std::unique_ptr<Busy> busy_;
};

// Takes the PROXY header off the front of the connection. Bytes are looked at before they are taken, so that
// what follows is left where it is.
rt::Task<Status> read_proxy_header(ClientConnection& connection, Instant deadline) {
  const std::span<char> bytes = net::scratch().first(net::kMaxProxyHeader);
  rt::Pollable& io = connection.stream().io();
  for (;;) {
    const ssize_t got = recv(io.fd(), bytes.data(), bytes.size(), MSG_PEEK);
    if (got == 0) co_return client_error(ErrorKind::kClosed, "closed before its PROXY header");
    if (got < 0 && errno != EAGAIN && errno != EINTR)
      co_return std::unexpected(net::io_error(errno, Side::kClient, "recv"));
    if (got > 0) {
      RPX_CO_TRY(const net::ProxyHeader header, net::parse_proxy_header({bytes.data(), static_cast<std::size_t>(got)}));
      if (header.consumed != 0) {
        recv(io.fd(), bytes.data(), header.consumed, 0);
        if (header.source && !header.source->is_unix()) {
          connection.peer = header.source->ip;
          connection.port = header.source->port;
        }
        co_return Status{};
      }
    }
    io.cleared_read();
    if (io.peer_closed()) co_return client_error(ErrorKind::kClosed, "closed in the middle of its PROXY header");
    const rt::Wake wake = co_await io.readable(deadline);
    if (wake != rt::Wake::kReady) co_return client_error(ErrorKind::kHeaderTimeout, "no PROXY header in time");
  }
}

// Reads one head. False when the connection is over: closed, timed out, or answered with an error.
rt::Task<bool> read_head(ClientConnection& connection, Busy& busy, Instant deadline) {
  using Head = http::H1Exchange::Head;
  for (;;) {
    Result<Head> head = busy.h1.try_read_head();
    if (!head) {
      busy.h1.mark_bad_head();
      if (!connection.secured && begins_like_tls(busy.h1.leftover())) note_tls_on_plain_port(connection);
      co_await refuse(connection, busy, std::move(head).error());
      co_return false;
    }
    if (*head == Head::kComplete) co_return true;
    if (*head == Head::kClosed) co_return false;
    connection.worker.shedding().awaits_head(connection);
    const rt::Wake wake = co_await connection.stream().io().readable(deadline);
    if (wake == rt::Wake::kReady) continue;
    // A client that has not begun a request is owed no reply.
    if (busy.h1.has_input()) {
      busy.h1.mark_bad_head();
      Error late{ErrorKind::kHeaderTimeout, Side::kClient, "the request head did not come in time"};
      co_await refuse(connection, busy, std::move(late));
    }
    co_return false;
  }
}

// Closes without destroying what was sent: the client's rest is read and dropped for a moment.
RPX_OWN_FRAME rt::Task<void> linger(ClientConnection& connection) {
  connection.stream().shutdown_write();
  const Instant deadline = connection.worker.loop().now() + kLingerTime;
  std::size_t dropped = 0;
  while (dropped < kLingerBytes) {
    const net::IoResult got = connection.stream().try_read(net::scratch());
    if (got.state == net::IoState::kDone) {
      dropped += got.bytes;
      continue;
    }
    if (got.state != net::IoState::kWouldBlock) co_return;
    const rt::Wake wake = co_await connection.stream().io().readable(deadline);
    if (wake != rt::Wake::kReady) co_return;
  }
}

enum class After : std::uint8_t { kIdle, kClose, kLinger };

// Exchanges as long as there are bytes of a request: the first, and those pipelined behind it.
RPX_OWN_FRAME rt::Task<After> serve_while_busy(ClientConnection& connection, Instant deadline) {
  Loan loan(connection);
  Busy& busy = *loan;
  for (std::uint32_t round = 0;; ++round) {
    if (busy.live != connection.worker.live()) {
      // A reload between two pipelined requests: the limits of the old site go with it.
      busy.live = connection.worker.live();
      busy.h1.attach(connection.stream(), busy.live->site->limits());
    }
    busy.trail = {};
    busy.trail.phase = Phase::kReading;
    const bool complete = co_await read_head(connection, busy, deadline);
    if (complete) co_await handle(connection, busy);
    if (busy.h1.was_cut()) {
      connection.stream().reset_on_close();
      co_return After::kClose;
    }
    if (!complete || !busy.h1.finish())
      co_return busy.exchange.replied() && busy.h1.must_linger() ? After::kLinger : After::kClose;
    if (!busy.h1.has_input()) co_return After::kIdle;
    deadline = deadline_after(connection.worker.loop().now(), busy.live->site->limits().header_timeout);
    // A client that pipelines without end must not keep the worker to itself.
    if (round % 16 == 15) co_await connection.worker.loop().yield();
  }
}

// False when the connection may not go on: it did not say who it is, or has too many of its kind.
RPX_OWN_FRAME rt::Task<bool> admit(ClientConnection& connection) {
  Worker& worker = connection.worker;
  const http::Limits& limits = worker.live()->site->limits();
  if (!connection.listener->is_unix && contains(connection.listener->options.proxy_protocol, connection.peer)) {
    const Status read =
        co_await read_proxy_header(connection, deadline_after(connection.accepted, limits.header_timeout));
    if (!read) {
      worker.counts().parse_errors.add();
      log_event(LogLevel::kInfo, "connection without a PROXY header",
                {{"client", connection.peer.to_string()},
                 {"listener", connection.listener->options.name},
                 {"reason", read.error().detail}});
      co_return false;
    }
    const policy::BlockTable* blocks = worker.blocks();
    if (blocks && blocks->status() == 0 && blocks->blocks(connection.peer)) {
      blocks->count_hit(connection.peer);
      worker.counts().blocked.add();
      co_return false;
    }
  }
  const std::uint32_t most = limits.connections_per_client;
  if (most == 0 || connection.listener->is_unix) co_return true;
  connection.counted_client = worker.limits().enter_client(connection.peer, most);
  if (!connection.counted_client) {
    worker.counts().refused.add();
    log_event(LogLevel::kInfo, "too many connections of one client", {{"client", connection.peer.to_string()}});
  }
  co_return connection.counted_client;
}

// What comes before exchanges of HTTP/1: who the client is, TLS, and connections that are served in another way. True
// when exchanges follow, the first of them by `deadline`.
RPX_OWN_FRAME rt::Task<bool> welcome(ClientConnection& connection, Instant& deadline) {
  const bool admitted = co_await admit(connection);
  if (!admitted) co_return false;
  Worker& worker = connection.worker;
  if (connection.listener->options.tls) {
    if (!connection.listener->options.pass.empty()) {
      const Result<bool> passed = co_await is_passed(connection);
      if (!passed) co_return false;
      if (*passed) {
        co_await serve_tcp(connection, true);
        co_return false;
      }
    }
    const bool secured = co_await secure(connection);
    if (!secured) co_return false;
  }
  if (connection.listener->options.is_tcp()) {
    worker.shedding().is_served(connection);
    co_await serve_tcp(connection, false);
    co_return false;
  }
  const Instant since = connection.secured ? worker.loop().now() : connection.accepted;
  deadline = deadline_after(since, worker.live()->site->limits().header_timeout);
  if (connection.secured || !connection.listener->options.protocols.empty()) {
    const Result<bool> multiplexed = co_await speaks_h2(connection, deadline);
    if (!multiplexed) co_return false;
    if (*multiplexed) {
      const bool may_send = co_await serve_h2(connection);
      if (may_send) co_await linger(connection);
      co_return false;
    }
  }
  co_return true;
}

}  // namespace

rt::Task<void> serve_connection(Worker& worker, Accepted&& from) {
  ClientConnection connection(worker, std::move(from));
  const Presence presence(connection);
  Instant deadline;
  const bool goes_on = co_await welcome(connection, deadline);
  if (!goes_on) co_return;
  for (;;) {
    if (!connection.stream().io().may_read()) {
      const rt::Wake wake = co_await connection.stream().io().readable(deadline);
      if (wake != rt::Wake::kReady) co_return;
    }
    const Instant head_deadline =
        connection.requests == 0 ? deadline
                                 : deadline_after(worker.loop().now(), worker.live()->site->limits().header_timeout);
    const After then = co_await serve_while_busy(connection, head_deadline);
    if (then == After::kLinger) co_await linger(connection);
    if (then != After::kIdle || worker.draining()) co_return;
    deadline = deadline_after(worker.loop().now(), worker.live()->site->limits().keepalive);
  }
}

}  // namespace rpx::proxy
