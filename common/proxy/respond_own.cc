// Replies of our own: errors, refusals, redirects, fixed answers.
#include "base/result.h"
#include "proxy/encode.h"
#include "proxy/respond.h"
#include "proxy/respond_parts.h"

namespace rpx::proxy {

using http::FieldId;

namespace {

// RFC 9209: who could not do what, for the client's operator; without a word about the origin.
void add_proxy_status(Busy& busy, const Error& error) {
  const std::string_view type = facts_of(error.kind).proxy_status;
  if (type.empty()) return;
  busy.out.add("Proxy-Status", busy.exchange.arena().join("rpx; error=", type));
}

// The page of an error of ours: the route's own, or the built-in one, which `own` then holds.
policy::ErrorPage page_for(Busy& busy, const Route* route, std::uint16_t status, policy::BuiltInPage& own) {
  policy::ErrorPage page;
  if (route) page = route->error_pages.find(status);
  if (!page.content_type.empty()) return page;
  own = policy::built_in_page(status, busy.exchange.request().headers.value(FieldId::kAccept), busy.trail.request_id);
  return {own.content_type, own.body};
}

}  // namespace

rt::Task<void> respond_refusal(ClientConnection& connection, Busy& busy, const Route* route, Refusal refusal) {
  policy::BuiltInPage own;
  policy::ErrorPage page;
  if (refusal.pages) page = refusal.pages->find(refusal.status);
  if (page.content_type.empty()) page = page_for(busy, route, refusal.status, own);
  busy.out = std::move(refusal.fields);
  busy.out.add(FieldId::kContentType, "Content-Type", page.content_type);
  busy.out.add(FieldId::kCacheControl, "Cache-Control", "no-store");
  complete_headers(connection, busy, route, refusal.status);
  // A body nobody wants to read would have to be taken before the next request.
  if (!busy.exchange.reader().ended()) busy.exchange.close_after();
  co_await send_coded(connection, busy, route, refusal.status, page.body);
}

rt::Task<void> respond_error(ClientConnection& connection, Busy& busy, const Route* route, Error error) {
  const std::uint16_t status = static_cast<std::uint16_t>(facts_of(error.kind).status);
  // A client that is gone gets no reply; neither does one that has had the head of another.
  const bool client_gone =
      error.side == Side::kClient && (error.kind == ErrorKind::kReset || error.kind == ErrorKind::kClosed);
  if (client_gone || busy.exchange.replied()) {
    busy.exchange.cut();
    fail(busy, std::move(error));
    co_return;
  }
  busy.out.clear();
  const http::RequestHead& request = busy.exchange.request();
  policy::BuiltInPage own;
  const policy::ErrorPage page = page_for(busy, route, status, own);
  busy.out.add(FieldId::kContentType, "Content-Type", page.content_type);
  busy.out.add(FieldId::kCacheControl, "Cache-Control", "no-store");
  if (error.kind == ErrorKind::kMethodNotAllowed) {
    std::string allow;
    for (const std::string& method : busy.live->site->router().allowed_methods(request))
      allow += (allow.empty() ? "" : ", ") + method;
    busy.out.add("Allow",
                 busy.exchange.arena().copy(allow.empty() ? "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH" : allow));
  }
  if (error.kind == ErrorKind::kUnsupportedCoding)
    busy.out.add(FieldId::kAcceptEncoding, "Accept-Encoding", "gzip, br, zstd");
  if (status == 503) busy.out.add(FieldId::kRetryAfter, "Retry-After", "1");
  if (error.side != Side::kClient) add_proxy_status(busy, error);
  complete_headers(connection, busy, route, status);
  busy.upload.cancel();
  busy.pump.cancel();
  busy.lease.drop();
  if (!busy.exchange.reader().ended()) busy.exchange.close_after();
  fail(busy, std::move(error));
  co_await send_coded(connection, busy, route, status, page.body);
}

rt::Task<void> respond_redirect(ClientConnection& connection, Busy& busy, const Route* route,
                                const policy::Redirect& redirect) {
  busy.out.clear();
  const std::string_view location =
      redirect.location(busy.exchange.arena(), values_of(connection, busy, route, redirect.status()));
  if (location.empty()) {
    co_await respond_error(connection, busy, route,
                           Error{ErrorKind::kBadRequest, Side::kClient, "no host to redirect to"});
    co_return;
  }
  busy.out.add(FieldId::kLocation, "Location", location);
  complete_headers(connection, busy, route, redirect.status());
  co_await send_whole(busy, redirect.status(), {});
}

rt::Task<void> respond_challenge(ClientConnection& connection, Busy& busy, std::string_view proof) {
  busy.out.clear();
  busy.out.add(FieldId::kContentType, "Content-Type", "application/octet-stream");
  busy.out.add(FieldId::kCacheControl, "Cache-Control", "no-store");
  complete_headers(connection, busy, nullptr, 200);
  co_await send_whole(busy, 200, proof);
}

rt::Task<void> respond_fixed(ClientConnection& connection, Busy& busy, const Route& route) {
  const std::uint16_t status = route.respond->status();
  // A client of HTTP/2 takes a good reply to its request for a tunnel (RFC 8441) to mean that there is one.
  if (status / 100 == 2 && busy.exchange.request().wants_upgrade && !busy.exchange.stream()) {
    co_await respond_error(connection, busy, &route,
                           Error{ErrorKind::kMethodNotAllowed, Side::kClient, "no server for a tunnel"});
    co_return;
  }
  busy.out.clear();
  route.respond->headers().apply(busy.out, busy.exchange.arena(), values_of(connection, busy, &route, status));
  complete_headers(connection, busy, &route, status);
  co_await send_coded(connection, busy, &route, status, route.respond->body());
}

rt::Task<void> send_coded(ClientConnection& connection, Busy& busy, const Route* route, std::uint16_t status,
                          std::string_view body) {
  http::BodyPiece piece{.data = body, .end = true};
  if (route && route->compress) {
    // For HEAD too: its fields are those of a GET.
    Outgoing reply{status, {.present = true, .length = body.size()}, piece};
    // Of a body at hand nothing is read, and nothing can fail but the library: then it goes as it is.
    if (!begin_encoding(connection, busy, *route->compress, reply)) piece.data = body;
  }
  co_await send_whole(busy, status, piece.data);
}

}  // namespace rpx::proxy
