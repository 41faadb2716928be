#include "proxy/respond.h"

#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "http/hop_by_hop.h"
#include "http/text_body.h"
#include "proxy/admission.h"
#include "proxy/encode.h"
#include "proxy/respond_parts.h"
#include "proxy/splice.h"
#include "proxy/sticky.h"

namespace rpx::proxy {

using http::FieldId;
using http::Framing;

policy::Values values_of(ClientConnection& connection, Busy& busy, const Route* route, std::uint16_t status) {
  Trail& trail = busy.trail;
  if (trail.client_text.empty()) trail.client_text = busy.exchange.arena().copy(trail.client.client.to_string());
  return {.request = busy.exchange.request(),
          .client = trail.client_text,
          .scheme = trail.client.scheme,
          .authority = trail.client.host,
          .request_id = trail.request_id,
          .route = route ? std::string_view(route->options->name) : std::string_view(),
          .listener = connection.listener->options.name,
          .upstream = trail.upstream.empty() && route ? std::string_view(route->options->upstream) : trail.upstream,
          .server = trail.server ? std::string_view(trail.server->url()) : std::string_view(),
          .status = status,
          .response_headers = &busy.out,
          .client_certificate_subject = subject_of(connection),
          .client_certificate_fingerprint = fingerprint_of(connection),
          .user = trail.user};
}

// Fields that every reply of ours carries, and the route's own rules.
void complete_headers(ClientConnection& connection, Busy& busy, const Route* route, std::uint16_t status) {
  http::Headers& out = busy.out;
  Arena& arena = busy.exchange.arena();
  // A stop that began while the request was on its way: the client is told to take the next one elsewhere.
  if (connection.worker.draining()) busy.exchange.close_after();
  if (!out.has(FieldId::kDate)) out.add(FieldId::kDate, "Date", arena.copy(connection.worker.http_date()));
  const ServeOptions& serve = busy.live->site->options().serve;
  if (!serve.server_name.empty()) out.set("Server", serve.server_name);
  if (serve.via) out.add(FieldId::kVia, "Via", "1.1 rpx");
  if (busy.trail.limit) add_limit_fields(busy);
  if (!route || route->response_rules.empty()) return;
  if (route->response_rules.needs_values())
    route->response_rules.apply(out, arena, values_of(connection, busy, route, status));
  else
    route->response_rules.apply(out, arena, {.request = busy.exchange.request()});
}

Duration write_patience(const Busy& busy) { return busy.live->site->limits().write_timeout; }

void fail(Busy& busy, Error error) {
  // The first cause is the one to tell; what follows from it is noise.
  if (!busy.trail.failure) busy.trail.failure = std::move(error);
}

void hinder(ClientConnection& connection, Busy& busy, const Route& route, Hindrances& in, http::BodySink*& sink) {
  const Site& site = *busy.live->site;
  if (busy.trail.truncate_after) sink = &in.cut.emplace(*sink, *busy.trail.truncate_after);
  const bool has_address = !connection.listener->is_unix || busy.trail.client.peer_is_trusted;
  policy::RateCounters* counters = has_address ? site.bandwidth() : nullptr;
  Size rate = route.options->bandwidth;
  if (const Size fault = busy.trail.fault_bandwidth; fault != 0) rate = rate == 0 ? fault : std::min(rate, fault);
  if (rate == 0 && !counters) return;
  sink = &in.paced.emplace(connection.worker.loop(), *sink, rate, site.limits().bandwidth_per_client, counters,
                           busy.trail.client.client);
}

// Sends a whole reply whose body is at hand.
rt::Task<void> send_whole(Busy& busy, std::uint16_t status, std::string_view body) {
  const bool head_only = busy.exchange.request().method == http::Method::kHead;
  const bool bodiless = status == 204 || status == 304;
  busy.trail.status = status;
  busy.trail.phase = Phase::kSending;
  http::ReplyBody plan{.present = !head_only && !bodiless};
  if (!bodiless) plan.length = body.size();
  http::BodySink& sink = busy.exchange.reply(status, {}, busy.out, plan);
  const Result<bool> wrote = sink.try_write(plan.present ? body : std::string_view(), true);
  Status done = wrote ? Status{} : Status(std::unexpected(wrote.error()));
  if (wrote && !*wrote) done = co_await sink.drain(write_patience(busy));
  if (!done) {
    busy.exchange.cut();
    fail(busy, std::move(done).error());
  }
}

namespace {

// As much of a stored body as is handed to the kernel at once.
constexpr std::size_t kPiece = 256 * 1024;

// Sends `piece`, then `rest` in pieces, with others having their turn in between.
rt::Task<Status> send_pieces(ClientConnection& connection, Busy& busy, http::BodySink& sink, std::string_view piece,
                             std::string_view rest) {
  for (;;) {
    const std::string_view part = piece.substr(0, sink.room());
    piece.remove_prefix(part.size());
    if (piece.empty()) {
      piece = rest.substr(0, kPiece);
      rest.remove_prefix(piece.size());
    }
    const bool end = piece.empty();
    RPX_CO_TRY(const bool taken, sink.try_write(part, end));
    if (!taken) RPX_CO_TRY_VOID(co_await sink.drain(write_patience(busy)));
    if (end) co_return Status{};
    if (taken) co_await connection.worker.loop().yield();
  }
}

http::ReplyBody plan_of(const http::ResponseHead& head, const http::RequestHead& request) {
  http::ReplyBody plan;
  plan.present = request.method != http::Method::kHead && head.status != 204 && head.status != 304;
  if (head.framing == Framing::kLength) plan.length = head.content_length;
  // Without a body the length tells of the one a GET would have got (RFC 9110 section 8.6).
  if (head.framing == Framing::kNone) {
    const auto told = parse_uint(head.headers.value(FieldId::kContentLength));
    if (told && head.status != 204) plan.length = told;
    if (plan.present && !plan.length) plan.length = 0;
    // With HTTP/2 the end may come with the head, as gRPC has it for what fails at once.
    plan.present = false;
  }
  return plan;
}

Duration server_idle_of(const http::ResponseHead& head) {
  const std::string_view value = head.headers.value(FieldId::kKeepAlive);
  if (value.empty()) return Duration::zero();
  for (const std::string_view part : split(value, ',')) {
    const std::string_view option = trim(part);
    if (option.size() > 8 && iequals(option.substr(0, 8), "timeout="))
      if (const auto seconds = parse_uint(option.substr(8)); seconds && *seconds < 86400)
        return std::chrono::seconds(*seconds);
  }
  return Duration::zero();
}

// Ends the upstream side of a reply that went through whole.
void settle(Busy& busy, Duration server_idle) {
  const bool sent = !busy.upload.started() || (busy.upload.done() && busy.upload.result());
  if (busy.call.reusable(sent))
    busy.lease.give_back(server_idle);
  else
    busy.lease.drop();
}

// What came with the head is passed on at once: most replies are whole by then, and go out in one piece.
struct Begun {
  bool taken = true;
  bool whole = false;
  bool over() const noexcept { return taken && whole; }
};

bool passes_trailers(const Busy& busy) noexcept { return busy.exchange.request().minor_version == 1; }

Result<Begun> begin_body(Busy& busy, const http::BodySource& body, http::BodySink& sink) {
  const http::BodyPiece& first = busy.first;
  if (first.blocked) return Begun{};
  const http::Headers* trailers = passes_trailers(busy) ? body.trailers() : nullptr;
  RPX_TRY(const bool taken, sink.try_write(first.data, first.end, trailers));
  return Begun{taken, first.end};
}

RPX_OWN_FRAME rt::Task<Status> pass_rest(Busy& busy, const Route& route, http::BodySource& body, http::BodySink& sink,
                                         Begun begun, bool as_is) {
  const http::RelayTimeouts timeouts{route.options->timeout.idle, write_patience(busy)};
  if (!begun.taken) RPX_CO_TRY_VOID(co_await sink.drain(timeouts.sink_stall));
  if (begun.whole) co_return Status{};
  if (as_is && !busy.fill && may_splice(busy)) {
    Status spliced = co_await splice_body(busy, timeouts);
    if (!spliced || body.ended()) co_return spliced;
  }
  Status relayed = co_await http::relay(body, sink, timeouts, passes_trailers(busy));
  co_return relayed;
}

// The origin's status and fields with the route's own page for a body.
rt::Task<void> replace_reply(ClientConnection& connection, Busy& busy, const Route& route, policy::ErrorPage page,
                             bool body_over) {
  http::ResponseHead& head = busy.call.head();
  const std::uint16_t status = head.status;
  http::copy_end_to_end(head.headers, busy.out);
  policy::hide_origin(busy.out, route.origin_names, busy.trail.client, busy.exchange.arena());
  for (const std::string_view name :
       {"Content-Encoding", "Content-Range", "ETag", "Last-Modified", "Accept-Ranges", "Trailer"})
    busy.out.remove(name);
  busy.out.set("Content-Type", page.content_type);
  bind_session(connection, busy);
  complete_headers(connection, busy, &route, status);
  // The rest of a long page is not worth reading to keep the connection.
  if (!body_over) busy.lease.drop();
  if (busy.upload.started() && !busy.upload.done()) busy.exchange.close_after();
  co_await send_coded(connection, busy, &route, status, page.body);
  if (body_over) settle(busy, server_idle_of(head));
}

}  // namespace

rt::Task<void> respond(ClientConnection& connection, Busy& busy, const Route& route) {
  http::ResponseHead& head = busy.call.head();
  if (head.status == 101) {
    co_await switch_protocols(connection, busy, route);
    co_return;
  }
  if (head.status >= 400 && route.options->hide_origin) {
    // What the origin says of its errors is its own affair; the route has a page for them.
    const policy::ErrorPage page = route.error_pages.find(head.status);
    if (!page.content_type.empty()) {
      co_await replace_reply(connection, busy, route, page, busy.first.end);
      co_return;
    }
  }
  http::ReplyBody plan = plan_of(head, busy.exchange.request());
  const Duration server_idle = server_idle_of(head);
  http::copy_end_to_end(head.headers, busy.out);
  if (route.options->hide_origin)
    policy::hide_origin(busy.out, route.origin_names, busy.trail.client, busy.exchange.arena());
  bind_session(connection, busy);
  complete_headers(connection, busy, &route, head.status);
  busy.trail.status = head.status;
  busy.trail.phase = Phase::kSending;
  // A reply that overtakes its request: how the rest of that request ends is not clear, so the connection ends.
  if (busy.upload.started() && !busy.upload.done()) busy.exchange.close_after();
  Coders coders;
  if (route.compress) {
    Outgoing reply{head.status, plan, busy.first, &busy.reply_body()};
    auto coding = begin_coding(connection, busy, *route.compress, reply);
    if (!coding) {
      co_await respond_error(connection, busy, &route, std::move(coding).error());
      co_return;
    }
    coders = std::move(*coding);
    plan = reply.plan;
  }
  http::BodySink* sink = &busy.exchange.reply(head.status, head.reason, busy.out, plan);
  Hindrances hindrances;
  hinder(connection, busy, route, hindrances, sink);
  if (coders.encoding) {
    coders.encoding->to(*sink);
    sink = coders.encoding.get();
  }
  http::BodySource* body = coders.decoding ? coders.decoding.get() : &busy.reply_body();
  if (!plan.present) busy.first = {{}, true, false};
  const bool as_is = !coders.encoding && !coders.decoding && !hindrances.any();
  Result<Begun> begun = begin_body(busy, *body, *sink);
  Status done;
  if (!begun)
    done = std::unexpected(std::move(begun).error());
  else if (!begun->over())
    done = co_await pass_rest(busy, route, *body, *sink, *begun, as_is);
  count_coded(connection, coders);
  if (done) {
    settle(busy, server_idle);
    co_return;
  }
  busy.exchange.cut();
  fail(busy, std::move(done).error());
}

rt::Task<void> respond_at_hand(ClientConnection& connection, Busy& busy, const Route& route, std::uint16_t status,
                               std::string_view body, const Stored* whole) {
  if (route.options->hide_origin)
    policy::hide_origin(busy.out, route.origin_names, busy.trail.client, busy.exchange.arena());
  complete_headers(connection, busy, &route, status);
  http::ReplyBody plan{.present =
                           busy.exchange.request().method != http::Method::kHead && status != 204 && status != 304};
  if (status != 204 && status != 304) plan.length = body.size();
  http::TextBody text(connection.worker.loop(), body);
  http::BodyPiece first = *text.try_read(kPiece);
  Coders coders;
  if (route.compress) {
    Outgoing reply{status, plan, first, &text};
    auto begun = whole ? begin_stored(connection, busy, *route.compress, *whole, reply)
                       : begin_coding(connection, busy, *route.compress, reply);
    if (!begun) {
      co_await respond_error(connection, busy, &route, std::move(begun).error());
      co_return;
    }
    coders = std::move(*begun);
    plan = reply.plan;
    first = reply.first;
  }
  busy.trail.status = status;
  busy.trail.phase = Phase::kSending;
  http::BodySink* sink = &busy.exchange.reply(status, {}, busy.out, plan);
  Hindrances hindrances;
  hinder(connection, busy, route, hindrances, sink);
  if (coders.encoding) {
    coders.encoding->to(*sink);
    sink = coders.encoding.get();
  }
  std::string_view piece = plan.present ? first.data : std::string_view();
  bool more = plan.present && !first.end;
  std::string_view rest = more ? body.substr(text.received()) : std::string_view();
  if (coders.form && plan.present) {
    rest = *coders.form;
    piece = rest.substr(0, kPiece);
    rest.remove_prefix(piece.size());
    more = !rest.empty();
  }
  Status done;
  if (more && coders.decoding) {
    const Result<bool> taken = sink->try_write(piece, false);
    if (!taken) done = std::unexpected(taken.error());
    if (done) done = co_await http::relay(*coders.decoding, *sink, {kForever, write_patience(busy)}, false);
  } else if (rest.empty() && piece.size() <= sink->room()) {
    const Result<bool> taken = sink->try_write(piece, true);
    if (!taken)
      done = std::unexpected(taken.error());
    else if (!*taken)
      done = co_await sink->drain(write_patience(busy));
  } else {
    done = co_await send_pieces(connection, busy, *sink, piece, rest);
  }
  count_coded(connection, coders);
  if (done) co_return;
  busy.exchange.cut();
  fail(busy, std::move(done).error());
}

}  // namespace rpx::proxy
