#include "proxy/handle.h"

#include "base/log.h"
#include "proxy/admission.h"
#include "proxy/cached.h"
#include "proxy/forward.h"
#include "proxy/mirror.h"
#include "proxy/protect.h"
#include "proxy/request_coding.h"
#include "proxy/respond.h"
#include "proxy/site.h"

namespace rpx::proxy {
namespace {

// A request id from in front is kept when a proxy we trust sent it and it cannot do harm in a log or a header.
bool is_sane_id(std::string_view id) noexcept {
  if (id.empty() || id.size() > 128) return false;
  for (const char c : id)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
          c == '.' || c == ':'))
      return false;
  return true;
}

void begin(ClientConnection& connection, Busy& busy) {
  Worker& worker = connection.worker;
  Trail& trail = busy.trail;
  http::RequestHead& request = busy.exchange.request();
  trail.begun = worker.loop().now();
  trail.client = http::client_facts(request, connection.peer, connection.secured != nullptr,
                                    connection.listener->options.trusted_proxies);
  const std::string_view given =
      trail.client.peer_is_trusted ? request.headers.value(http::FieldId::kXRequestId) : std::string_view();
  if (is_sane_id(given)) {
    trail.request_id = given;
  } else {
    char* id = busy.exchange.arena().allocate(32);
    worker.make_request_id(id);
    trail.request_id = {id, 32};
  }
  busy.has_replay = false;
  busy.kept.reset();
  busy.entry.reset();
  ++connection.requests;
  worker.shedding().is_served(connection);
  worker.counts().requests.add();
  worker.counts().exchanges.add();
  if (worker.draining()) busy.exchange.close_after();
}

double seconds(Duration span) noexcept { return std::chrono::duration<double>(span).count(); }

void write_access_line(ClientConnection& connection, Busy& busy, Duration took) {
  const http::RequestHead& request = busy.exchange.request();
  const Trail& trail = busy.trail;
  const std::string client =
      connection.listener->is_unix && !trail.client.peer_is_trusted ? "unix" : trail.client.client.to_string();
  const std::string peer = connection.listener->is_unix ? "unix" : connection.peer.to_string();
  AccessEntry entry;
  entry.time = connection.worker.wall_now() - std::chrono::duration_cast<WallTime::duration>(took);
  entry.client = client;
  entry.peer = peer;
  entry.method = request.method_name;
  entry.scheme = trail.client.scheme;
  entry.host = request.target.host;
  entry.authority = request.target.authority;
  entry.target = request.raw_target;
  entry.path = request.target.path;
  entry.query = request.target.query;
  entry.protocol = busy.exchange.protocol();
  entry.listener = connection.listener->options.name;
  if (trail.route) {
    entry.route = trail.route->options->name;
    entry.upstream = trail.upstream.empty() ? std::string_view(trail.route->options->upstream) : trail.upstream;
  }
  if (trail.server) entry.server = trail.server->url();
  if (!trail.refused.empty()) entry.reason = trail.refused;
  if (trail.failure) entry.reason = facts_of(trail.failure->kind).name;
  entry.request_id = trail.request_id;
  entry.user = trail.user;
  entry.client_certificate_subject = subject_of(connection);
  entry.client_certificate_fingerprint = fingerprint_of(connection);
  entry.status = trail.status;
  entry.tries = trail.tries;
  entry.bytes_received = busy.exchange.bytes_received();
  entry.bytes_sent = busy.exchange.bytes_sent();
  if (trail.tries != 0 || trail.queued > Duration::zero()) entry.queue_s = seconds(trail.queued);
  if (trail.connect >= Duration::zero()) entry.connect_s = seconds(trail.connect);
  if (trail.first_byte >= Duration::zero()) entry.first_byte_s = seconds(trail.first_byte);
  entry.total_s = seconds(took);
  entry.request_headers = &request.headers;
  entry.response_headers = &busy.out;
  connection.worker.access_log().add(entry);
}

void finish(ClientConnection& connection, Busy& busy) {
  Worker& worker = connection.worker;
  WorkerCounters& counts = worker.counts();
  // The loop's clock stands still within a round; an exchange that ends in the round it began in took no
  // time that matters.
  const Duration took = worker.loop().now() - busy.trail.begun;
  counts.exchanges.sub();
  counts.responses[std::min<std::size_t>(busy.trail.status / 100U, 5)].add();
  counts.bytes_received.add(busy.exchange.bytes_received());
  counts.bytes_sent.add(busy.exchange.bytes_sent());
  counts.latency.add(took);
  worker.loop().pace().count_exchange(took);
  if (busy.trail.first_byte >= Duration::zero()) counts.servers.add(busy.trail.first_byte);
  if (worker.access_log().enabled()) write_access_line(connection, busy, took);
  if (!busy.live->site->bans().empty()) count_for_bans(connection, busy);
  if (busy.coding) busy.coding->count(counts);
  busy.leave_servers();
}

// Ends the bookkeeping of an exchange even when its task is destroyed half-way.
class Ending {
 public:
  Ending(ClientConnection& connection, Busy& busy) noexcept : connection_(connection), busy_(busy) {}
  ~Ending() {
    if (!busy_.trail.status && !busy_.trail.failure)
      busy_.trail.failure = Error{ErrorKind::kCancelled, Side::kSelf, "cut short by the proxy's end"};
    finish(connection_, busy_);
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  ClientConnection& connection_;
  Busy& busy_;
};

// A path in disguise ("/private;x", "/private%2Fx") means one route to us and may mean another to a lenient server.
bool leads_elsewhere(const Router& router, const http::RequestHead& request, int index) {
  const http::Target& target = request.target;
  if (target.lax_path.data() == target.path.data() || target.lax_path == target.path) return false;
  return router.match(request, target.lax_path) != index;
}

// An authority asks for proof that a name is ours, before anything that routes say.
bool is_challenge(const http::RequestHead& request) noexcept {
  return request.target.path.starts_with(tls::kChallengePath);
}

// False when it is none of ours.
rt::Task<bool> answer_challenge(ClientConnection& connection, Busy& busy) {
  const auto answer =
      busy.live->site->challenges()->find_http(busy.exchange.request().target.path, connection.worker.loop().now());
  if (!answer) co_return false;
  co_await respond_challenge(connection, busy, busy.exchange.arena().copy(*answer));
  co_return true;
}

bool body_is_too_large(const http::RequestHead& request, const Route& route) noexcept {
  return route.body_bytes != 0 && request.framing == http::Framing::kLength &&
         request.content_length > route.body_bytes;
}

}  // namespace

rt::Task<void> handle(ClientConnection& connection, Busy& busy) {
  begin(connection, busy);
  const Ending ending(connection, busy);
  const Site& site = *busy.live->site;
  const http::RequestHead& request = busy.exchange.request();

  if (is_blocked(connection, busy)) {
    co_await refuse_blocked(connection, busy);
    co_return;
  }
  const bool challenge = is_challenge(request);
  if (challenge) {
    const bool answered = co_await answer_challenge(connection, busy);
    if (answered) co_return;
  }
  if (connection.listener->options.redirect_https && busy.trail.client.scheme == "http" && !challenge) {
    co_await respond_redirect(connection, busy, nullptr, site.https_redirect(connection.listener->options));
    co_return;
  }
  const int index = site.router().match(request);
  if (leads_elsewhere(site.router(), request, index)) {
    co_await respond_error(
        connection, busy, nullptr,
        Error{ErrorKind::kBadRequest, Side::kClient, "a path that servers read in more than one way"});
    co_return;
  }
  if (index < 0) {
    Error none{ErrorKind::kNoRoute, Side::kClient, "no route"};
    if (!site.router().allowed_methods(request).empty()) none.kind = ErrorKind::kMethodNotAllowed;
    co_await respond_error(connection, busy, nullptr, std::move(none));
    co_return;
  }
  const Route& route = site.routes()[static_cast<std::size_t>(index)];
  busy.trail.route = &route;
  if ((route.in_maintenance() || route.access || !route.limits.empty()) && !co_await admit(connection, busy, route))
    co_return;
  if (route.fault && !co_await suffer(connection, busy, route)) co_return;
  if (route.redirect) {
    co_await respond_redirect(connection, busy, &route, *route.redirect);
    co_return;
  }
  if (route.respond) {
    co_await respond_fixed(connection, busy, route);
    co_return;
  }
  if (body_is_too_large(request, route)) {
    co_await respond_error(connection, busy, &route,
                           Error{ErrorKind::kBodyTooLarge, Side::kClient, "body over the limit"});
    co_return;
  }
  if (route.cache) {
    co_await serve_cached(connection, busy, route);
    co_return;
  }
  Status forwarded = co_await forward(connection, busy, route);
  if (forwarded)
    co_await respond(connection, busy, route);
  else
    co_await respond_error(connection, busy, &route, std::move(forwarded).error());
}

rt::Task<void> refuse(ClientConnection& connection, Busy& busy, Error error) {
  begin(connection, busy);
  const Ending ending(connection, busy);
  connection.worker.counts().parse_errors.add();
  busy.exchange.close_after();
  // A client that went away in the middle of its head has nobody to read a reply.
  if (error.kind == ErrorKind::kReset || error.kind == ErrorKind::kClosed) {
    busy.trail.failure = std::move(error);
    busy.exchange.cut();
    co_return;
  }
  co_await respond_error(connection, busy, nullptr, std::move(error));
}

}  // namespace rpx::proxy
