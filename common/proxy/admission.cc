#include "proxy/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "policy/values.h"
#include "proxy/authenticate.h"
#include "proxy/client_gone.h"
#include "proxy/respond.h"

namespace rpx::proxy {
namespace {

constexpr std::uint16_t kForbidden = 403;
constexpr std::uint16_t kNotAllowed = 405;

bool has_address(const ClientConnection& connection, const Trail& trail) noexcept {
  return !connection.listener->is_unix || trail.client.peer_is_trusted;
}

std::string key_of(ClientConnection& connection, Busy& busy, const Route& route, const policy::RateLimit& limit) {
  Trail& trail = busy.trail;
  Arena& arena = busy.exchange.arena();
  if (trail.client_text.empty())
    trail.client_text = has_address(connection, trail) ? arena.copy(trail.client.client.to_string()) : "unix";
  const http::RequestHead& request = busy.exchange.request();
  const policy::Values values{.request = request,
                              .client = trail.client_text,
                              .peer = connection.listener->is_unix ? "unix" : arena.copy(connection.peer.to_string()),
                              .scheme = trail.client.scheme,
                              .authority = request.target.authority,
                              .request_id = trail.request_id,
                              .route = route.options->name,
                              .listener = connection.listener->options.name,
                              .upstream = {},
                              .server = {},
                              .client_certificate_subject = subject_of(connection),
                              .client_certificate_fingerprint = fingerprint_of(connection),
                              .user = trail.user};
  std::string text;
  limit.key().render(
      text, [&](const policy::TemplatePart& part, std::string& out) { policy::append_value(out, part, values); });
  return text;
}

std::int64_t in_whole_seconds(Duration span) noexcept {
  return std::chrono::ceil<std::chrono::seconds>(std::max(span, Duration::zero())).count();
}

// The limit that leaves least is the one to tell of.
void note(Trail& trail, const policy::RateLimit& limit, const policy::RateLimit::Verdict& verdict) noexcept {
  if (trail.limit && trail.limit_left.remaining <= verdict.remaining && verdict.within) return;
  trail.limit = &limit;
  trail.limit_left = verdict;
}

}  // namespace

std::optional<Refusal> refusal_of(ClientConnection& connection, Busy& busy, const policy::Access& access) {
  const http::RequestHead& request = busy.exchange.request();
  if (!access.allows({.request = request,
                      .client = busy.trail.client.client,
                      .has_address = has_address(connection, busy.trail),
                      .certificate_subject = subject_of(connection),
                      .certificate_fingerprint = fingerprint_of(connection)}))
    return Refusal{.status = kForbidden, .fields = {}, .pages = nullptr};
  if (access.allows_method(request)) return std::nullopt;
  Refusal refusal{.status = kNotAllowed, .fields = {}, .pages = nullptr};
  refusal.fields.add("Allow", access.methods());
  return refusal;
}

void add_limit_fields(Busy& busy) {
  const policy::RateLimit* limit = busy.trail.limit;
  if (!limit) return;
  const policy::RateLimit::Verdict& left = busy.trail.limit_left;
  busy.out.add("RateLimit-Policy", limit->policy_field());
  busy.out.add("RateLimit", busy.exchange.arena().copy(fmt::format(R"("{}";r={};t={})", limit->options().name,
                                                                   left.remaining, in_whole_seconds(left.reset))));
}

namespace {

// Asks the limits of `route` that count with (`known`) or without knowing who the client is. False when one of them has
// answered. `wait` is how long those that delay hold the request back.
rt::Task<bool> take_limits(ClientConnection& connection, Busy& busy, const Route& route, bool known, Duration& wait) {
  Worker& worker = connection.worker;
  for (const auto& limit : route.limits) {
    if (limit->counts_users() != known) continue;
    // The loop's clock stands still within a round: a whole round would count as one moment, and of a limit without a
    // burst let one request through.
    const auto verdict = limit->take(key_of(connection, busy, route, *limit), std::chrono::steady_clock::now());
    if (!verdict.within) worker.counts().limited.add();
    if (limit->options().dry_run) {
      if (!verdict.within) busy.trail.refused = "would_be_limited";
      continue;
    }
    note(busy.trail, *limit, verdict);
    wait = std::max(wait, verdict.wait);
    if (verdict.within) continue;
    busy.trail.refused = "limited";
    Refusal refusal{.status = limit->options().status, .fields = {}, .pages = nullptr};
    refusal.fields.add(
        "Retry-After",
        busy.exchange.arena().copy(std::to_string(std::max<std::int64_t>(1, in_whole_seconds(verdict.retry_after)))));
    co_await respond_refusal(connection, busy, &route, std::move(refusal));
    co_return false;
  }
  co_return true;
}

}  // namespace

rt::Task<bool> admit(ClientConnection& connection, Busy& busy, const Route& route) {
  Worker& worker = connection.worker;
  if (route.in_maintenance() &&
      !(has_address(connection, busy.trail) && contains(route.maintenance.allow, busy.trail.client.client))) {
    busy.trail.refused = "maintenance";
    Refusal refusal{.status = route.maintenance.status, .fields = {}, .pages = &route.maintenance.pages};
    if (!route.maintenance.retry_after.empty()) refusal.fields.add("Retry-After", route.maintenance.retry_after);
    co_await respond_refusal(connection, busy, &route, std::move(refusal));
    co_return false;
  }
  if (route.access) {
    if (std::optional<Refusal> refusal = refusal_of(connection, busy, *route.access)) {
      busy.trail.refused = "denied";
      worker.counts().denied.add();
      co_await respond_refusal(connection, busy, &route, std::move(*refusal));
      co_return false;
    }
  }
  Duration wait{};
  if (!route.limits.empty() && !co_await take_limits(connection, busy, route, false, wait)) co_return false;
  if (route.authentication) {
    // Limits come first: guesses at passwords are requests like any other.
    const bool let_on = co_await authenticate(connection, busy, route);
    if (!let_on) co_return false;
  }
  if (!route.limits.empty() && !co_await take_limits(connection, busy, route, true, wait)) co_return false;
  if (wait > Duration::zero()) {
    busy.trail.phase = Phase::kWaiting;
    Status waited = co_await pause_until(worker.loop(), busy, worker.loop().now() + wait);
    if (!waited) {
      co_await respond_error(connection, busy, &route, std::move(waited).error());
      co_return false;
    }
  }
  co_return true;
}

rt::Task<bool> suffer(ClientConnection& connection, Busy& busy, const Route& route) {
  const policy::Fault::Draw draw = route.fault->draw();
  if (draw.delay > Duration::zero()) {
    busy.trail.phase = Phase::kWaiting;
    co_await connection.worker.loop().sleep_until(connection.worker.loop().now() + draw.delay);
  }
  busy.trail.fault_bandwidth = draw.bandwidth;
  busy.trail.truncate_after = draw.truncate_after;
  if (!draw.reset && draw.status == 0) co_return true;
  busy.trail.refused = "fault";
  if (draw.reset)
    busy.exchange.cut();
  else
    co_await respond_refusal(connection, busy, &route, {.status = draw.status});
  co_return false;
}

}  // namespace rpx::proxy
