// Replies that another exchange fetches, passed on as they come.
#include "base/result.h"
#include "proxy/encode.h"
#include "proxy/respond.h"
#include "proxy/respond_parts.h"

namespace rpx::proxy {

rt::Task<void> respond_as_it_comes(ClientConnection& connection, Busy& busy, const Route& route, Growing reply) {
  if (route.options->hide_origin)
    policy::hide_origin(busy.out, route.origin_names, busy.trail.client, busy.exchange.arena());
  complete_headers(connection, busy, &route, reply.status);
  const bool present = busy.exchange.request().method != http::Method::kHead;
  Result<http::BodyPiece> first = http::BodyPiece{.end = true};
  if (present) first = reply.body.try_read(net::kScratchBytes);
  if (!first) {
    co_await respond_error(connection, busy, &route, std::move(first).error());
    co_return;
  }
  Coders coders;
  Outgoing outgoing{reply.status, {.present = present, .length = reply.length}, *first, &reply.body};
  if (route.compress) {
    auto begun = begin_coding(connection, busy, *route.compress, outgoing);
    if (!begun) {
      co_await respond_error(connection, busy, &route, std::move(begun).error());
      co_return;
    }
    coders = std::move(*begun);
  }
  busy.trail.status = reply.status;
  busy.trail.phase = Phase::kSending;
  http::BodySink* sink = &busy.exchange.reply(reply.status, {}, busy.out, outgoing.plan);
  Hindrances hindrances;
  hinder(connection, busy, route, hindrances, sink);
  if (coders.encoding) {
    coders.encoding->to(*sink);
    sink = coders.encoding.get();
  }
  http::BodySource* body = coders.decoding ? static_cast<http::BodySource*>(coders.decoding.get()) : &reply.body;
  Status done;
  const bool over = first->end;
  if (!first->blocked) {
    const Result<bool> taken = sink->try_write(first->data, first->end);
    if (!taken)
      done = std::unexpected(taken.error());
    else if (!*taken)
      done = co_await sink->drain(write_patience(busy));
  }
  if (done && !over) done = co_await http::relay(*body, *sink, {kForever, write_patience(busy)}, false);
  count_coded(connection, coders);
  if (done) co_return;
  busy.exchange.cut();
  fail(busy, std::move(done).error());
}

}  // namespace rpx::proxy
