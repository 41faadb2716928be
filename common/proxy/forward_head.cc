#include "proxy/forward_head.h"

#include "balance/random.h"
#include "base/text.h"
#include "http/hop_by_hop.h"
#include "proxy/request_coding.h"
#include "proxy/sticky.h"
#include "proxy/websocket.h"

namespace rpx::proxy {
namespace {

using http::FieldId;
using http::Framing;

void set_host(const Ask& ask, upstream::Server& server, http::Headers& out) {
  std::string_view host = ask.busy.exchange.request().target.authority;
  if (ask.upstream.host == HostMode::kServer || host.empty()) host = server.target().authority;
  if (ask.upstream.host == HostMode::kFixed) host = ask.upstream.options->host;
  for (http::Field& field : out.raw())
    if (field.id == FieldId::kHost) {
      field.value = host;
      return;
    }
  out.raw().insert(out.raw().begin(), {"Host", host, FieldId::kHost});
}

// The cookie is between the client and us.
void drop_session_cookie(const Ask& ask, http::Headers& out) {
  for (http::Field& field : out.raw())
    if (field.id == FieldId::kCookie)
      field.value = without_cookie(field.value, ask.upstream.sticky->cookie, ask.busy.exchange.arena());
  std::erase_if(out.raw(),
                [](const http::Field& field) { return field.id == FieldId::kCookie && field.value.empty(); });
}

policy::Values values_of(const Ask& ask) {
  const Trail& trail = ask.busy.trail;
  return {.request = ask.busy.exchange.request(),
          .client = trail.client_text,
          .scheme = trail.client.scheme,
          .authority = trail.client.host,
          .request_id = trail.request_id,
          .route = ask.route.options->name,
          .listener = ask.connection.listener->options.name,
          .client_certificate_subject = subject_of(ask.connection),
          .client_certificate_fingerprint = fingerprint_of(ask.connection),
          .user = trail.user};
}

}  // namespace

std::uint64_t balance_key(const Ask& ask) {
  Trail& trail = ask.busy.trail;
  if (ask.upstream.wants == balance::Wants::kAddress) return balance::hash_of(trail.client.client.to_string());
  if (ask.upstream.wants != balance::Wants::kTemplate) return 0;
  if (trail.client_text.empty()) trail.client_text = ask.busy.exchange.arena().copy(trail.client.client.to_string());
  std::string text;
  const policy::Values values = values_of(ask);
  ask.upstream.hash.render(
      text, [&](const policy::TemplatePart& part, std::string& out) { policy::append_value(out, part, values); });
  return text.empty() ? 0 : balance::hash_of(text);
}

void build_head(const Ask& ask, upstream::Server& server, bool shared) {
  Busy& busy = ask.busy;
  const http::RequestHead& request = busy.exchange.request();
  Arena& arena = busy.exchange.arena();
  http::Headers& out = busy.out;
  http::copy_end_to_end(request.headers, out);
  std::erase_if(out.raw(), [](const http::Field& field) {
    return field.id == FieldId::kXRequestId || field.id == FieldId::kExpect || field.id == FieldId::kXRealIp;
  });
  if (busy.trail.hide_authorization) out.remove(FieldId::kAuthorization);
  if (ask.upstream.sticky && !ask.upstream.sticky->cookie.empty()) drop_session_cookie(ask, out);
  set_host(ask, server, out);
  http::add_forwarding_fields(request, busy.trail.client, ask.connection.peer, ask.connection.listener->is_unix, arena,
                              out);
  out.add(FieldId::kXRequestId, "X-Request-Id", busy.trail.request_id);
  if (request.method == http::Method::kOptions)
    if (const http::Field* hops = out.find(FieldId::kMaxForwards))
      if (const auto left = parse_uint(hops->value); left && *left > 0)
        out.set("Max-Forwards", arena.decimal(*left - 1));
  if (busy.live->site->options().serve.via) out.add(FieldId::kVia, "Via", "1.1 rpx");
  if (!ask.route.request_rules.empty()) {
    if (ask.route.request_rules.needs_values())
      busy.trail.client_text = arena.copy(busy.trail.client.client.to_string());
    ask.route.request_rules.apply(out, arena, values_of(ask));
  }
  if (busy.coding)
    busy.coding->complete(out, arena);
  else if (request.framing == Framing::kLength)
    out.add(FieldId::kContentLength, "Content-Length", arena.decimal(request.content_length));
  else if (request.framing == Framing::kChunked)
    out.add(FieldId::kTransferEncoding, "Transfer-Encoding", "chunked");
  if (request.expects_continue && request.framing != Framing::kNone)
    out.add(FieldId::kExpect, "Expect", "100-continue");
  // What HTTP/1 says of one connection is for the whole way with gRPC (RFC 9113 section 8.2.2).
  if (shared && http::list_contains(request.headers.value(FieldId::kTe), "trailers"))
    out.add(FieldId::kTe, "te", "trailers");
  if (request.wants_upgrade && busy.lease.slot()) {
    out.remove("Sec-WebSocket-Key");
  } else if (request.wants_upgrade) {
    if (!busy.exchange.stream() && is_websocket(request.headers.value(FieldId::kUpgrade))) {
      busy.trail.websocket_key = arena.copy(make_websocket_key());
      out.set("Sec-WebSocket-Key", busy.trail.websocket_key);
    }
    out.add(FieldId::kConnection, "Connection", "upgrade");
    out.add(FieldId::kUpgrade, "Upgrade", request.headers.value(FieldId::kUpgrade));
  }
}

}  // namespace rpx::proxy
