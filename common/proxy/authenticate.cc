#include "proxy/authenticate.h"

#include "base/result.h"
#include "base/text.h"
#include "http/hop_by_hop.h"
#include "proxy/authentication.h"
#include "proxy/bearer.h"
#include "proxy/client_gone.h"
#include "proxy/forward.h"
#include "proxy/identity.h"
#include "proxy/inner_exchange.h"
#include "proxy/inner_reply.h"
#include "proxy/respond.h"
#include "rt/child.h"

namespace rpx::proxy {
namespace {

using http::FieldId;

constexpr std::uint16_t kUnauthorized = 401;
// What a server that was asked may say instead of letting a request on: a login page, not a download.
constexpr std::size_t kMostAnswer = 256 * 1024;

rt::Task<Result<bool>> check_password(ClientConnection& connection, Busy& busy, const Authentication& ways) {
  const auto credentials = policy::basic_credentials(authorization_of(busy.exchange.request()));
  if (!credentials) co_return false;
  rt::Loop& loop = connection.worker.loop();
  bool known = ways.basic->remembers(*credentials, loop.now());
  if (!known) {
    // Nothing of the exchange is touched over there: it may be gone before the hash is made.
    auto work = [basic = ways.basic, given = *credentials, now = loop.now()] { return basic->verify(given, now); };
    RPX_CO_TRY(known, co_await connection.worker.offload().run(loop, std::move(work)));
  }
  if (!known) co_return false;
  busy.trail.user = busy.exchange.arena().copy(credentials->user);
  busy.trail.hide_authorization = !ways.basic->options().forward;
  co_return true;
}

rt::Task<void> refuse_unknown(ClientConnection& connection, Busy& busy, const Route& route,
                              const Authentication& ways) {
  note_unauthorized(connection, busy);
  Refusal refusal{.status = kUnauthorized, .fields = {}, .pages = nullptr};
  if (ways.basic) refusal.fields.add("WWW-Authenticate", ways.basic->challenge());
  co_await respond_refusal(connection, busy, &route, std::move(refusal));
}

// Fields about the body that stays here, and those that the question has in its own words.
bool stays_here(std::string_view name) noexcept {
  for (const std::string_view one :
       {"content-type", "content-encoding", "content-language", "content-location", "expect", "range", "if-range",
        "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "host", "max-forwards", "trailer"})
    if (iequals(one, name)) return true;
  return false;
}

bool is_forwarding(FieldId id) noexcept {
  return id == FieldId::kForwarded || id == FieldId::kXForwardedFor || id == FieldId::kXForwardedProto ||
         id == FieldId::kXForwardedHost;
}

// The question: what of the request the server is shown.
void fill_question(InnerExchange& inner, Busy& busy, const ForwardAuth& auth) {
  const http::RequestHead& request = busy.exchange.request();
  http::RequestHead& head = inner.request();
  Arena& arena = inner.arena();
  http::Headers end_to_end;
  http::copy_end_to_end(request.headers, end_to_end);
  const std::vector<std::string>& wanted = auth.options->request_headers;
  for (const http::Field& field : end_to_end) {
    const bool asked =
        wanted.empty()
            ? !stays_here(field.name)
            : std::ranges::any_of(wanted, [&field](const std::string& name) { return iequals(name, field.name); });
    if (asked || is_forwarding(field.id)) head.headers.add(field.id, field.name, field.value);
  }
  for (const std::string& name : auth.options->response_headers) drop_claim(head, name, arena);
  drop_claim(head, kAskedMethod, arena);
  drop_claim(head, kAskedUri, arena);
  head.headers.add(kAskedMethod, request.method_name);
  head.headers.add(kAskedUri, arena.join(request.target.path, request.target.query));
  head.target.path = head.target.lax_path = auth.inner.path;
  head.target.query = auth.inner.query;
  head.raw_target = auth.options->url;
}

// What the request goes on with.
void take_answer(Busy& busy, const http::Headers& answer, const ForwardAuth& auth) {
  http::RequestHead& request = busy.exchange.request();
  Arena& arena = busy.exchange.arena();
  for (const std::string& name : auth.options->response_headers) {
    drop_claim(request, name, arena);
    for (const http::Field& field : answer)
      if (iequals(field.name, name)) add_claim(request, name, field.value, arena);
  }
  if (auth.options->user.empty()) return;
  if (const std::string_view user = answer.value(auth.options->user); !user.empty()) busy.trail.user = arena.copy(user);
}

struct AskingEnded final : rt::Soon {
  explicit AskingEnded(rt::Event& to_notify) : event(to_notify) {}
  void run() override { event.notify_all(); }
  rt::Event& event;
};

// The question ends with the client that it is about: nobody would do anything with the answer.
rt::Task<Status> forward_watched(ClientConnection& connection, Busy& busy, Busy& inner, const Route& route) {
  rt::Event event(connection.worker.loop());
  AskingEnded ended(event);
  rt::Child<Status> asking(connection.worker.loop());
  asking.start(forward(connection, inner, route), &ended);
  const upstream::WaitingClient client = waiting_client(busy);
  const upstream::GoneWatch gone(client, event);
  while (!asking.done()) {
    if (client.is_gone()) co_return std::unexpected(client.error());
    co_await event.wait();
  }
  co_return asking.result();
}

rt::Task<bool> ask_server(ClientConnection& connection, Busy& busy, const Route& route, const ForwardAuth& auth) {
  rt::Loop& loop = connection.worker.loop();
  InnerExchange question(loop);
  fill_question(question, busy, auth);
  const auto inner = std::make_unique<Busy>(loop, question);
  inner->live = busy.live;
  inner->trail.begun = loop.now();
  inner->trail.client = busy.trail.client;
  inner->trail.request_id = busy.trail.request_id;
  inner->trail.route = &auth.inner.route;
  busy.trail.phase = Phase::kWaiting;
  Status asked = co_await forward_watched(connection, busy, *inner, auth.inner.route);
  if (asked && inner->call.head().status == 101)
    asked = upstream_error(ErrorKind::kBadResponse, "forward_auth was answered with 101");
  if (!asked) {
    co_await respond_error(connection, busy, &route, std::move(asked).error());
    co_return false;
  }
  const http::ResponseHead& answer = inner->call.head();
  if (answer.status >= 200 && answer.status < 300) {
    take_answer(busy, answer.headers, auth);
    let_go_inner(*inner, inner->first.end);
    co_return true;
  }
  note_unauthorized(connection, busy);
  std::string body;
  Status read = co_await read_reply(*inner, auth.options->timeout, kMostAnswer, body);
  if (!read) {
    co_await respond_error(connection, busy, &route, std::move(read).error());
    co_return false;
  }
  http::copy_end_to_end(answer.headers, busy.out);
  if (!busy.exchange.reader().ended()) busy.exchange.close_after();
  co_await respond_at_hand(connection, busy, route, answer.status, body);
  let_go_inner(*inner, true);
  co_return false;
}

}  // namespace

rt::Task<bool> authenticate(ClientConnection& connection, Busy& busy, const Route& route) {
  const Authentication& ways = *route.authentication;
  if (ways.basic) {
    Result<bool> known = co_await check_password(connection, busy, ways);
    if (!known) {
      co_await respond_error(connection, busy, &route, std::move(known).error());
      co_return false;
    }
    if (!*known) {
      co_await refuse_unknown(connection, busy, route, ways);
      co_return false;
    }
  }
  if (ways.jwt) {
    const bool known = co_await check_token(connection, busy, route);
    if (!known) co_return false;
  }
  if (!ways.forward) co_return true;
  const bool let_on = co_await ask_server(connection, busy, route, *ways.forward);
  co_return let_on;
}

}  // namespace rpx::proxy
