#include "proxy/forward.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "proxy/await_reply.h"
#include "proxy/forward_head.h"
#include "proxy/hedge.h"
#include "proxy/mirror.h"
#include "proxy/request_coding.h"
#include "proxy/tcp_connection.h"
#include "proxy/tries.h"

namespace rpx::proxy {
namespace {

using http::FieldId;
using http::Framing;

// How much of a body is read at first, to go out with the head.
constexpr std::size_t kFirstRead = 64 * 1024;
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
    body = &request_body(busy, ask.route.body_bytes);
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

// Chooses a kept connection for a try; false where there is none that would do, and open_connection() has to make one.
bool begin_try(const Ask& ask, upstream::Member& member, bool fresh) {
  Busy& busy = ask.busy;
  const http::RequestHead& request = busy.exchange.request();
  busy.trail.server = upstream::Pool::server_of(member);
  busy.trail.try_begun = ask.connection.worker.loop().now();
  busy.upload.cancel();
  if (fresh) return false;
  busy.lease.drop();
  busy.lease = ask.pool.reuse(member, !http::is_idempotent(request.method));
  // Whether a shared connection will do for an upgrade remains to be seen.
  if (request.wants_upgrade && busy.lease && busy.lease.slot()) busy.lease.drop();
  busy.trail.connect = Duration::zero();
  return static_cast<bool>(busy.lease);
}

RPX_OWN_FRAME rt::Task<Status> open_connection(const Ask& ask, upstream::Member& member) {
  Busy& busy = ask.busy;
  rt::Loop& loop = ask.connection.worker.loop();
  // A server that a reload has taken out lives only as long as its leases: a second connection to it is made
  // before the first one goes.
  const upstream::Lease previous = std::move(busy.lease);
  const Instant begun = loop.now();
  std::string preface;
  if (const std::uint32_t version = ask.upstream.options->proxy_protocol; version != 0)
    preface = preface_for(ask.connection, busy.trail.client.client, version);
  if (busy.exchange.request().wants_upgrade) {
    RPX_CO_TRY(busy.lease, co_await ask.pool.open_upgrade(member, preface));
  } else {
    RPX_CO_TRY(busy.lease, co_await ask.pool.open(member, preface));
  }
  busy.trail.connect = loop.now() - begun;
  co_return Status{};
}

// Asks the server over the connection that is there now.
Status send_try(const Ask& ask) {
  Busy& busy = ask.busy;
  upstream::Server& server = *busy.trail.server;
  server.counters().requests.fetch_add(1, std::memory_order_relaxed);
  ask.pool.begun(server);
  if (busy.coding) busy.coding->begin_try(server, ask.connection.worker.loop().now());
  build_head(ask, server, busy.lease.slot() != nullptr);
  Status sent = send_request(ask);
  busy.out.release();
  // A failed send still leaves a reply to be read: a server may answer and close before it has read all.
  if (sent || sent.error().side != Side::kUpstream) return sent;
  busy.call.look_again();
  return {};
}

// Read before anything is said to the client: a body that is broken from its start is a failed try like any other.
Status take_first(Busy& busy) {
  if (busy.call.head().status == 101) return {};
  RPX_TRY(busy.first, busy.call.body().try_read(std::min(net::kScratchBytes, busy.exchange.room())));
  return {};
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
void take_outcome(const Ask& ask, const Status& done) {
  Busy& busy = ask.busy;
  if (!done && done.error().side != Side::kUpstream) return;
  const std::uint16_t status = done ? busy.call.head().status : 0;
  const bool good = done && status < 500;
  upstream::Server& server = *busy.trail.server;
  const Duration took = ask.connection.worker.loop().now() - busy.trail.try_begun;
  ask.pool.learn(server, took, !good);
  // A kept connection that the server has closed meanwhile says nothing about it.
  if (!done && busy.lease && busy.lease.reused() && busy.call.lost_with_connection() && busy.call.nothing_received())
    return;
  if (good)
    ask.pool.judge(server, true, {}, took);
  else
    ask.pool.judge(server, false, done ? fmt::format("status {}", status) : done.error().detail, took);
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
  if (route.mirror >= 0) start_mirror(ask);
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
    Status done;
    if (!begin_try(ask, *member, fresh)) done = co_await open_connection(ask, *member);
    if (done) done = send_try(ask);
    if (done) {
      if (ask.upstream.options->hedge && may_hedge(ask))
        done = co_await await_hedged(ask, tries);
      else
        done = co_await await_reply(ask);
    }
    if (done) done = take_first(busy);
    take_outcome(ask, done);
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
