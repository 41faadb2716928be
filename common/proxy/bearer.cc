#include "proxy/bearer.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/result.h"
#include "policy/values.h"
#include "proxy/authentication.h"
#include "proxy/forward.h"
#include "proxy/identity.h"
#include "proxy/inner_exchange.h"
#include "proxy/inner_reply.h"
#include "proxy/respond.h"
#include "proxy/sticky.h"

namespace rpx::proxy {
namespace {

using policy::JwtAuth;
using policy::JwtFault;
using policy::JwtVerdict;

constexpr std::size_t kMostKeys = 1024UL * 1024;
// How late the end of a fetch is noticed by those who wait for it, on whatever worker.
constexpr std::chrono::milliseconds kGlance{5};

// A fetch that ends in any other way, also with its worker, has failed.
class Fetch {
 public:
  Fetch(Worker& worker, std::shared_ptr<JwtAuth> auth) noexcept : worker_(worker), auth_(std::move(auth)) {}
  ~Fetch() {
    if (auth_) auth_->fail(worker_.loop().now());
  }
  Fetch(Fetch&& other) noexcept = default;
  Fetch& operator=(Fetch&&) = delete;

  // The end of it, either way: once that is said another fetch may be under way, which this one does not end.
  void fails(const std::string& why) {
    worker_.counts().key_fetch_failures.add();
    log_event(LogLevel::kError, "the keys for tokens were not fetched, the old ones stay",
              {{"url", auth_->options().url}, {"why", why}});
    std::exchange(auth_, nullptr)->fail(worker_.loop().now());
  }
  void succeeds(const std::string& text) {
    const bool first = !auth_->has_keys();
    if (const Status taken = auth_->take_keys(text, worker_.loop().now()); !taken) return fails(taken.error().detail);
    const auto auth = std::exchange(auth_, nullptr);
    log_event(first ? LogLevel::kInfo : LogLevel::kDebug, "keys for tokens were fetched",
              {{"url", auth->options().url}});
  }
  const policy::JwtOptions& options() const noexcept { return auth_->options(); }
  Worker& worker() const noexcept { return worker_; }

 private:
  Worker& worker_;
  std::shared_ptr<JwtAuth> auth_;
};

void ask_for_keys(InnerExchange& inner, const InnerRoute& route, const std::string& url) {
  http::RequestHead& head = inner.request();
  head.headers.add("Accept", "application/jwk-set+json, application/json");
  head.target.path = head.target.lax_path = route.path;
  head.target.query = route.query;
  head.raw_target = url;
}

rt::Task<void> run_fetch(Fetch fetch, std::shared_ptr<const LiveSite> live,
                         std::shared_ptr<const ListenerFacts> listener, const InnerRoute& route) {
  Worker& worker = fetch.worker();
  // Forwarding watches its client's connection: this one has nobody at its other end who could go away.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    fetch.fails(errno_text("socketpair", errno));
    co_return;
  }
  net::UniqueFd near(ends[0]);
  const net::UniqueFd far(ends[1]);
  ClientConnection connection(worker, {std::move(near), IpAddress(), 0, std::move(listener)});
  InnerExchange question(worker.loop());
  ask_for_keys(question, route, fetch.options().url);
  const auto inner = std::make_unique<Busy>(worker.loop(), question);
  inner->live = std::move(live);
  inner->trail.begun = worker.loop().now();
  inner->trail.client.scheme = "http";
  inner->trail.route = &route.route;
  char* id = question.arena().allocate(32);
  worker.make_request_id(id);
  inner->trail.request_id = {id, 32};
  Status asked = co_await forward(connection, *inner, route.route);
  if (!asked) {
    fetch.fails(asked.error().detail);
    co_return;
  }
  if (const std::uint16_t status = inner->call.head().status; status != 200) {
    fetch.fails("the reply has status " + std::to_string(status));
    co_return;
  }
  std::string text;
  Status read = co_await read_reply(*inner, fetch.options().timeout, kMostKeys, text);
  let_go_inner(*inner, read.has_value());
  if (read)
    fetch.succeeds(text);
  else
    fetch.fails(read.error().detail);
}

void start_fetch(ClientConnection& connection, Busy& busy, const Authentication& ways, bool unknown_key) {
  Worker& worker = connection.worker;
  if (!ways.jwt->begin_fetch(worker.loop().now(), unknown_key)) return;
  worker.counts().key_fetches.add();
  worker.run_beside(run_fetch(Fetch(worker, ways.jwt), busy.live, connection.listener, *ways.jwt_keys));
}

std::string_view token_of(const http::RequestHead& request, const policy::JwtOptions& options) {
  const std::string_view token = policy::bearer_token(authorization_of(request));
  if (!token.empty() || options.cookie.empty()) return token;
  return policy::cookie_value(request.headers, options.cookie);
}

// Judges the token by the keys there are, and by newer ones where those do not have its key.
rt::Task<JwtVerdict> judge(ClientConnection& connection, Busy& busy, const Authentication& ways,
                           std::string_view token) {
  JwtAuth& jwt = *ways.jwt;
  rt::Loop& loop = connection.worker.loop();
  JwtVerdict verdict = jwt.judge(token, loop.now(), connection.worker.wall_now());
  const bool unknown = verdict.fault == JwtFault::kUnknownKey;
  if (!ways.jwt_keys) co_return verdict;
  start_fetch(connection, busy, ways, unknown);
  if (!unknown) co_return verdict;
  busy.trail.phase = Phase::kWaiting;
  const Instant until = loop.now() + 2 * jwt.options().timeout;
  bool waited = false;
  while (jwt.fetching() && loop.now() < until) {
    co_await loop.sleep_until(loop.now() + kGlance);
    waited = true;
  }
  if (waited) verdict = jwt.judge(token, loop.now(), connection.worker.wall_now());
  co_return verdict;
}

rt::Task<void> refuse_token(ClientConnection& connection, Busy& busy, const Route& route, const JwtAuth& jwt,
                            const JwtVerdict* verdict) {
  note_unauthorized(connection, busy);
  const bool insufficient = verdict && verdict->fault == JwtFault::kInsufficient;
  Refusal refusal{.status = static_cast<std::uint16_t>(insufficient ? 403 : 401), .fields = {}, .pages = nullptr};
  const std::string_view error = verdict == nullptr ? "" : insufficient ? "insufficient_scope" : "invalid_token";
  const std::string challenge = jwt.challenge(error, verdict == nullptr ? "" : verdict->why);
  refusal.fields.add("WWW-Authenticate", busy.exchange.arena().copy(challenge));
  co_await respond_refusal(connection, busy, &route, std::move(refusal));
}

// What servers are told of the client; what it says of itself under these names goes.
void take_identity(Busy& busy, const policy::Identity& identity, const policy::JwtOptions& options) {
  http::RequestHead& request = busy.exchange.request();
  Arena& arena = busy.exchange.arena();
  if (!identity.user.empty()) busy.trail.user = arena.copy(identity.user);
  for (const auto& [name, claim] : options.headers) drop_claim(request, name, arena);
  for (const auto& [name, value] : identity.fields) add_claim(request, arena.copy(name), value, arena);
  if (options.forward) return;
  busy.trail.hide_authorization = true;
  if (options.cookie.empty()) return;
  std::vector<http::Field>& fields = request.headers.raw();
  for (http::Field& field : fields)
    if (field.id == http::FieldId::kCookie) field.value = without_cookie(field.value, options.cookie, arena);
  std::erase_if(fields,
                [](const http::Field& field) { return field.id == http::FieldId::kCookie && field.value.empty(); });
}

}  // namespace

rt::Task<bool> check_token(ClientConnection& connection, Busy& busy, const Route& route) {
  const Authentication& ways = *route.authentication;
  JwtAuth& jwt = *ways.jwt;
  const std::string_view token = token_of(busy.exchange.request(), jwt.options());
  if (token.empty()) {
    co_await refuse_token(connection, busy, route, jwt, nullptr);
    co_return false;
  }
  const JwtVerdict verdict = co_await judge(connection, busy, ways, token);
  if (verdict.fault == JwtFault::kNone) {
    take_identity(busy, *verdict.identity, jwt.options());
    co_return true;
  }
  if (jwt.has_keys())
    co_await refuse_token(connection, busy, route, jwt, &verdict);
  else
    co_await respond_error(connection, busy, &route,
                           Error{ErrorKind::kNoServer, Side::kUpstream, "there are no keys to verify tokens with"});
  co_return false;
}

}  // namespace rpx::proxy
