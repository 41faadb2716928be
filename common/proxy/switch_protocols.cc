// What follows a server's 101, or its yes to an extended CONNECT: the client is told in its own words, and bytes go
// both ways. Beside respond.cc.
#include <optional>

#include "http/hop_by_hop.h"
#include "proxy/body_tunnel.h"
#include "proxy/respond_parts.h"
#include "proxy/sticky.h"
#include "proxy/websocket.h"

namespace rpx::proxy {
namespace {

using http::FieldId;

// The fields of the reply that opens the tunnel. What WebSocket adds to HTTP/1 is not there in HTTP/2, and the other
// way round.
void collect_fields(ClientConnection& connection, Busy& busy, const Route& route, std::uint16_t status) {
  const http::RequestHead& request = busy.exchange.request();
  http::ResponseHead& head = busy.call.head();
  const bool multiplexed = busy.exchange.stream() == nullptr;
  http::copy_end_to_end(head.headers, busy.out);
  if (multiplexed) {
    busy.out.remove("Sec-WebSocket-Accept");
  } else {
    const std::string_view asked = request.headers.value(FieldId::kUpgrade);
    busy.out.add(FieldId::kConnection, "Connection", "upgrade");
    busy.out.add(FieldId::kUpgrade, "Upgrade", busy.call.h2() ? asked : head.headers.value(FieldId::kUpgrade));
    if (busy.call.h2() && is_websocket(asked))
      busy.out.set("Sec-WebSocket-Accept",
                   busy.exchange.arena().copy(websocket_accept(request.headers.value("Sec-WebSocket-Key"))));
  }
  bind_session(connection, busy);
  complete_headers(connection, busy, &route, status);
}

// At least one of the two is a stream of HTTP/2.
rt::Task<Status> join(Busy& busy, http::BodySink& client_sink, Duration idle) {
  std::optional<ConnectionEnd> client;
  std::optional<ConnectionEnd> server;
  if (net::Stream* stream = busy.exchange.stream()) client.emplace(Side::kClient, *stream, busy.exchange.leftover());
  http::H2Call* call = busy.call.h2();
  if (!call) server.emplace(Side::kUpstream, busy.lease.stream(), busy.call.leftover());
  TunnelBytes moved;
  Status done =
      co_await tunnel_bodies(client ? client->end() : TunnelEnd{Side::kClient, busy.exchange.body(0), client_sink},
                             server ? server->end() : TunnelEnd{Side::kUpstream, *call, *call}, idle, moved);
  if (client) {
    busy.h1.reader().skipped_past(moved.from_client);
    busy.h1.writer().moved(moved.to_client);
  }
  co_return done;
}

}  // namespace

rt::Task<void> switch_protocols(ClientConnection& connection, Busy& busy, const Route& route) {
  const bool multiplexed = busy.exchange.stream() == nullptr;
  const std::uint16_t status = multiplexed ? 200 : 101;
  collect_fields(connection, busy, route, status);
  busy.trail.status = status;
  busy.trail.phase = Phase::kTunnel;
  connection.worker.counts().upgrades.add();
  busy.exchange.close_after();
  http::BodySink& sink = busy.exchange.reply(status, {}, busy.out, {.present = multiplexed});
  const Duration idle = route.options->timeout.idle;
  Status done = co_await sink.drain(write_patience(busy));
  if (done && (multiplexed || busy.call.h2())) {
    done = co_await join(busy, sink, idle);
  } else if (done) {
    TunnelBytes moved;
    done = co_await tunnel(connection.stream(), busy.lease.stream(), busy.exchange.leftover(), busy.call.leftover(),
                           idle, moved);
    busy.h1.reader().skipped_past(moved.from_client);
    busy.h1.writer().moved(moved.to_client);
  }
  if (!done) {
    if (done.error().kind != ErrorKind::kIdleTimeout) busy.exchange.cut();
    fail(busy, std::move(done).error());
  }
}

}  // namespace rpx::proxy
