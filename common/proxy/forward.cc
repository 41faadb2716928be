#include "proxy/forward.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "http/hop_by_hop.h"
#include "proxy/forward_head.h"
#include "proxy/request_coding.h"
#include "proxy/tcp_connection.h"
#include "proxy/tries.h"
#include "proxy/websocket.h"

namespace rpx::proxy {
namespace {

using http::FieldId;
using http::Framing;

// How much of a body is read at first, to go out with the head.
constexpr std::size_t kFirstRead = 64 * 1024;
// Interim responses that one request may bring before the server is held to be broken.
constexpr int kMostInterim = 100;
// After this long without a reply the client's connection is watched, in case it is given up meanwhile.
constexpr Duration kWatchAfter = std::chrono::seconds(1);
http::RelayTimeouts upload_timeouts(const Ask& ask) {
  return {ask.busy.live->site->limits().body_timeout, ask.route.options->timeout.response};
}

// A short body is kept, so that the request can be sent again elsewhere: at once where the first `piece` is all of it,
// else as it passes. What the body is read through from now on.
http::BodySource* keep_body(const Ask& ask, http::BodySource& body, const http::BodyPiece& piece) {
  Busy& busy = ask.busy;
  const std::size_t most = ask.upstream.retry.replay();
  if (piece.data.size() > most) return &body;
  if (piece.end) {
    if (body.trailers()) return &body;
    busy.replay = busy.exchange.arena().copy(piece.data);
    busy.has_replay = true;
    return &body;
  }
  const http::RequestHead& request = busy.exchange.request();
  if (request.framing == Framing::kLength && request.content_length > most) return &body;
  busy.kept = std::make_unique<http::ReplayBody>(body, most, piece.data);
  return busy.kept.get();
}

// The protocol that the client asks for instead of HTTP; empty mostly.
std::string_view upgrade_of(const http::RequestHead& request) noexcept {
  return request.wants_upgrade ? request.headers.value(FieldId::kUpgrade) : std::string_view();
}

http::BodySink& begin_call(const Ask& ask, Framing framing) {
  Busy& busy = ask.busy;
  const http::Limits& limits = busy.live->site->limits();
  const http::RequestLine line{busy.exchange.request().method_name, ask.path, ask.query};
  if (http::H2Slot* slot = busy.lease.slot())
    return busy.call.begin(*slot, limits, line, busy.lease.server().tls() ? "https" : "http", busy.out, framing,
                           upgrade_of(busy.exchange.request()));
  return busy.call.begin(busy.lease.stream(), limits, line, busy.out, framing);
}

// Sends head and body as far as they go at once; the rest of a body goes on beside the wait for the reply.
Status send_request(const Ask& ask) {
  Busy& busy = ask.busy;
  const http::RequestHead& request = busy.exchange.request();
  http::BodySink& wire = begin_call(ask, busy.coding ? busy.coding->framing() : request.framing);
  http::BodySink& sink = busy.coding ? busy.coding->sink_over(wire) : wire;
  if (busy.has_replay) {
    RPX_TRY([[maybe_unused]] const bool sent, sink.try_write(busy.coding ? busy.coding->whole() : busy.replay, true));
    if (!sent) busy.upload.start(sink.drain(ask.route.options->timeout.response), &busy.interrupt);
    return {};
  }
  if (request.framing == Framing::kNone) {
    RPX_TRY(const bool sent, sink.try_flush());
    if (!sent) busy.upload.start(sink.drain(ask.route.options->timeout.response), &busy.interrupt);
    return {};
  }
  http::BodySource* body = nullptr;
  if (busy.coding)
    body = &busy.coding->source();
  else if (busy.kept)
    body = busy.kept.get();
  else
    body = &busy.exchange.body(ask.route.body_bytes);
  if (busy.kept) busy.kept->begin_again();
  RPX_TRY(const http::BodyPiece piece, body->try_read(kFirstRead));
  if (!busy.coding && !busy.kept) body = keep_body(ask, *body, piece);
  bool sent = false;
  if (piece.blocked) {
    RPX_TRY(sent, sink.try_flush());
  } else {
    RPX_TRY(sent, sink.try_write(piece.data, piece.end, body->trailers()));
  }
  if (!piece.end)
    busy.upload.start(http::relay(*body, sink, upload_timeouts(ask), true), &busy.interrupt);
  else if (!sent)
    busy.upload.start(sink.drain(ask.route.options->timeout.response), &busy.interrupt);
  return {};
}

// While the reply is awaited, a client that hangs up ends the wait: nobody would read the reply.
class HangUpWatch final : rt::Waiter {
 public:
  HangUpWatch(net::Stream* client, http::ServerCall& call, bool enabled) : client_(client), call_(call) {
    if (enabled) watch();
  }
  ~HangUpWatch() {
    if (client_) client_->io().clear_read_waiter(this);
  }
  HangUpWatch(const HangUpWatch&) = delete;
  HangUpWatch& operator=(const HangUpWatch&) = delete;
  void watch() { client_->io().set_read_waiter(this); }

 private:
  void wake() override {
    // More requests, or a client that has only closed its sending side: go on.
    if (!client_->io().hung_up())
      watch();
    else
      call_.interrupt();
  }
  net::Stream* client_;
  http::ServerCall& call_;
};

// Streams of a shared connection are ended from outside when their client gives them up.
bool client_hung_up(Busy& busy) noexcept {
  net::Stream* client = busy.exchange.stream();
  return client && client->io().hung_up();
}

// What an interrupted or failed wait for the reply really was.
Error blame(Busy& busy, Error error) {
  if (client_hung_up(busy)) return {ErrorKind::kReset, Side::kClient, "the client went away"};
  if (busy.upload.done() && !busy.upload.result()) {
    const Error& upload = busy.upload.result().error();
    // What the server did while we sent tells less than what it says or does not say itself.
    if (upload.side == Side::kClient || error.kind == ErrorKind::kCancelled) return upload;
  }
  return error;
}

rt::Task<Status> await_head(const Ask& ask, Instant deadline) {
  Busy& busy = ask.busy;
  net::Stream* client = busy.exchange.stream();
  const http::Method method = busy.exchange.request().method;
  const bool reads_body = !busy.exchange.reader().ended();
  const bool watched = client && client->io().is_watched();
  HangUpWatch watch(client, busy.call, watched && !reads_body);
  rt::Loop& loop = ask.connection.worker.loop();
  bool first_wait = client && !watched && !reads_body;
  for (;;) {
    const Instant until = first_wait ? std::min(deadline, loop.now() + kWatchAfter) : deadline;
    Status read = co_await busy.call.read_head(method, until);
    if (read) co_return read;
    const bool upload_failed = busy.upload.done() && !busy.upload.result();
    if (read.error().kind == ErrorKind::kResponseTimeout && first_wait && until < deadline) {
      first_wait = false;
      watch.watch();
      continue;
    }
    // The end of a successful upload wakes the wait as well; so does a server that stops reading, which may
    // have answered already.
    if (read.error().kind == ErrorKind::kCancelled && !client_hung_up(busy) &&
        (!upload_failed || busy.upload.result().error().side == Side::kUpstream)) {
      if (!upload_failed) continue;
      busy.call.look_again();
      Status last = co_await busy.call.read_head(method, std::min(deadline, loop.now() + kWatchAfter));
      if (last) co_return last;
      co_return std::unexpected(busy.upload.result().error());
    }
    co_return std::unexpected(blame(busy, read.error()));
  }
}

// Marks the time in which the end of the upload interrupts the wait for the reply.
class AwaitsHead {
 public:
  explicit AwaitsHead(Busy& busy) noexcept : busy_(busy) { busy.awaits_head = true; }
  ~AwaitsHead() { busy_.awaits_head = false; }
  AwaitsHead(const AwaitsHead&) = delete;
  AwaitsHead& operator=(const AwaitsHead&) = delete;

 private:
  Busy& busy_;
};

Status check_switch(Busy& busy) {
  if (!busy.exchange.request().wants_upgrade)
    return upstream_error(ErrorKind::kUpgradeFailed, "the server switched protocols unasked");
  const std::string_view key = busy.trail.websocket_key;
  if (!busy.call.h2() && !key.empty() &&
      busy.call.head().headers.value("Sec-WebSocket-Accept") != websocket_accept(key))
    return upstream_error(ErrorKind::kUpgradeFailed, "the server's Sec-WebSocket-Accept is wrong");
  return {};
}

rt::Task<Status> await_reply(const Ask& ask) {
  Busy& busy = ask.busy;
  const AwaitsHead awaits(busy);
  const Duration patience = ask.route.options->timeout.response;
  rt::Loop& loop = ask.connection.worker.loop();
  busy.trail.sent = loop.now();
  for (int interim = 0; interim < kMostInterim; ++interim) {
    RPX_CO_TRY_VOID(co_await await_head(ask, deadline_after(loop.now(), patience)));
    http::ResponseHead& head = busy.call.head();
    if (head.status == 101) co_return check_switch(busy);
    // To a client of HTTP/2 a good reply would mean that its tunnel is open.
    if (head.status / 100 == 2 && busy.exchange.request().wants_upgrade && !busy.exchange.stream())
      co_return upstream_error(ErrorKind::kUpgradeFailed, "the server did not switch protocols");
    if (head.status >= 200) {
      busy.trail.first_byte = loop.now() - busy.trail.sent;
      co_return Status{};
    }
    http::copy_end_to_end(head.headers, busy.out);
    RPX_CO_TRY_VOID(busy.exchange.send_interim(head.status, busy.out));
  }
  co_return upstream_error(ErrorKind::kBadResponse, "interim responses without end");
}

// One try with one server.
rt::Task<Status> attempt(const Ask& ask, upstream::Member& member, bool fresh) {
  Busy& busy = ask.busy;
  Worker& worker = ask.connection.worker;
  busy.trail.server = upstream::Pool::server_of(member);
  upstream::Server& server = *busy.trail.server;
  busy.upload.cancel();
  // A server that a reload has taken out lives only as long as its leases: a second connection to it is made
  // before the first one goes.
  upstream::Lease previous = std::move(busy.lease);
  if (!fresh) previous.drop();
  const http::RequestHead& request = busy.exchange.request();
  if (!fresh) busy.lease = ask.pool.reuse(member, !http::is_idempotent(request.method));
  // Whether a shared connection will do for an upgrade remains to be seen.
  if (request.wants_upgrade && busy.lease && busy.lease.slot()) busy.lease.drop();
  if (!busy.lease) {
    const Instant begun = worker.loop().now();
    std::string preface;
    if (const std::uint32_t version = ask.upstream.options->proxy_protocol; version != 0)
      preface = preface_for(ask.connection, busy.trail.client.client, version);
    if (request.wants_upgrade) {
      RPX_CO_TRY(busy.lease, co_await ask.pool.open_upgrade(member, preface));
    } else {
      RPX_CO_TRY(busy.lease, co_await ask.pool.open(member, preface));
    }
    busy.trail.connect = worker.loop().now() - begun;
  } else {
    busy.trail.connect = Duration::zero();
  }
  previous.drop();
  server.counters().requests.fetch_add(1, std::memory_order_relaxed);
  if (busy.coding) busy.coding->begin_try(server, worker.loop().now());
  build_head(ask, server);
  const Status sent = send_request(ask);
  // A failed send still leaves a reply to be read: a server may answer and close before it has read all.
  if (!sent && sent.error().side != Side::kUpstream) co_return sent;
  if (!sent) busy.call.look_again();
  RPX_CO_TRY_VOID(co_await await_reply(ask));
  // Read before anything is said to the client: a body that is broken from its start is a failed try like any other.
  if (busy.call.head().status != 101) {
    RPX_CO_TRY(busy.first, busy.call.body().try_read(std::min(net::kScratchBytes, busy.exchange.room())));
  }
  co_return Status{};
}

// Learns what the server makes of coded bodies; true when the request is to be sent to it again without a coding.
bool repeats_plain(const Ask& ask) {
  Busy& busy = ask.busy;
  upstream::Server& server = *busy.trail.server;
  const Instant now = ask.connection.worker.loop().now();
  const bool refused = busy.coding && busy.coding->refused(server, busy.call.head().status, now);
  learn_codings(*ask.route.compress, server, busy.call.head(), now);
  return refused;
}

// What one try has shown of its server.
void take_outcome(const Ask& ask, const Status& done, Instant begun) {
  Busy& busy = ask.busy;
  if (!done && done.error().side != Side::kUpstream) return;
  const std::uint16_t status = done ? busy.call.head().status : 0;
  const bool good = done && status < 500;
  upstream::Server& server = *busy.trail.server;
  ask.pool.learn(server, ask.connection.worker.loop().now() - begun, !good);
  // A kept connection that the server has closed meanwhile says nothing about it.
  if (!done && busy.lease && busy.lease.reused() && busy.call.lost_with_connection() && busy.call.nothing_received())
    return;
  if (good)
    ask.pool.judge(server, true);
  else
    ask.pool.judge(server, false, done ? fmt::format("status {}", status) : done.error().detail);
}

Result<Ask> prepare(ClientConnection& connection, Busy& busy, const Route& route) {
  const http::RequestHead& request = busy.exchange.request();
  const auto index = static_cast<std::size_t>(upstream_of(route, busy.trail.client.client));
  Ask ask{connection,
          busy,
          route,
          busy.live->site->upstreams()[index],
          *busy.live->pools[index],
          request.target.path,
          request.target.query};
  busy.trail.upstream = ask.upstream.options->name;
  busy.trail.from = &ask.upstream;
  if (!route.options->strip_prefix.empty()) ask.path = policy::strip_prefix(ask.path, route.options->strip_prefix);
  if (route.rewrite) {
    RPX_TRY(ask.path, route.rewrite->apply(ask.path, busy.exchange.arena()));
  }
  return ask;
}

}  // namespace

rt::Task<Status> forward(ClientConnection& connection, Busy& busy, const Route& route) {
  RPX_CO_TRY(const Ask ask, prepare(connection, busy, route));
  const http::RequestHead& request = busy.exchange.request();
  if (route.compress && route.compress->changes_requests() && request.framing != Framing::kNone)
    RPX_CO_TRY_VOID(co_await prepare_request_coding(busy, route, ask.upstream));
  Tries tries(ask);
  upstream::Member* member = nullptr;
  bool fresh = false;
  busy.trail.phase = Phase::kWaiting;
  ask.pool.budget().on_request(ask.upstream.retry.budget());
  for (;;) {
    if (!fresh) {
      member = tries.at_once();
      if (!member) {
        RPX_CO_TRY(member, co_await tries.next());
      }
    }
    const Instant begun = connection.worker.loop().now();
    const Status done = co_await attempt(ask, *member, fresh);
    take_outcome(ask, done, begun);
    if (done && route.compress && route.compress->changes_requests() && repeats_plain(ask)) {
      fresh = true;
      continue;
    }
    const upstream::Verdict verdict = done ? tries.after_reply() : tries.after_failure(done.error());
    if (verdict == upstream::Verdict::kGiveUp) co_return done;
    fresh = verdict == upstream::Verdict::kFresh;
  }
}

}  // namespace rpx::proxy
