#include "proxy/cached.h"

#include "base/text.h"
#include "cache/bypass.h"
#include "cache/groups.h"
#include "http/hop_by_hop.h"
#include "http/target.h"
#include "proxy/fill.h"
#include "proxy/forward.h"
#include "proxy/from_disk.h"
#include "proxy/partial.h"
#include "proxy/purge.h"
#include "proxy/refresh.h"
#include "proxy/respond.h"
#include "proxy/stored_answer.h"
#include "proxy/visit.h"

namespace rpx::proxy {
namespace {

using cache::Flight;
using cache::Use;
using http::FieldId;
using http::Method;

void count(std::atomic<std::uint64_t>& counter) noexcept { counter.fetch_add(1, std::memory_order_relaxed); }

// What a Location or Content-Location of the reply refers to, when that is on the same host: its key.
std::optional<std::string> key_at(const Visit& visit, std::string_view reference) {
  const http::RequestHead& request = visit.busy.exchange.request();
  std::string_view raw = reference.substr(0, reference.find('#'));
  const bool absolute = raw.starts_with("http://") || raw.starts_with("https://");
  if (!absolute && (raw.empty() || raw.starts_with("//") || raw.find("://") != std::string_view::npos))
    return std::nullopt;
  if (!absolute && !raw.starts_with('/')) {
    const std::string_view base = request.target.path.substr(0, request.target.path.rfind('/') + 1);
    raw = visit.busy.exchange.arena().join(base, raw);
  }
  http::Target target;
  if (!http::parse_target(raw, Method::kGet, visit.busy.exchange.arena(), target)) return std::nullopt;
  if (absolute && (target.host != request.target.host || target.port != request.target.port)) return std::nullopt;
  return key_of(visit, target.path, target.query);
}

// Takes the objects out that an unsafe request has changed (RFC 9111 section 4.4): its own, those of the same host that
// the reply points at, and those of the groups that it names (RFC 9875 section 3).
rt::Task<void> invalidate(Visit& visit) {
  visit.store().invalidate(visit.key);
  for (const FieldId id : {FieldId::kLocation, FieldId::kContentLocation})
    if (const auto key = key_at(visit, visit.busy.call.head().headers.value(id))) visit.store().invalidate(*key);
  for (std::string& group : cache::groups_in(visit.busy.call.head().headers, "Cache-Group-Invalidation")) {
    cache::Filter filter;
    filter.group = std::move(group);
    filter.origin.append(visit.busy.trail.client.scheme).append("://").append(visit.host);
    // Before the client hears of the change, and on no loop: there may be many of them.
    co_await purge_beside(visit, std::move(filter), false);
  }
  // Before the client is told of the change.
  co_await settle_disk(visit);
}

bool is_safe(Method method) noexcept {
  return method == Method::kGet || method == Method::kHead || method == Method::kOptions || method == Method::kTrace;
}

// Whether the reply to a POST says that it is what a GET would get, and for how long (RFC 9110 section 9.3.3).
bool stands_for_get(const Visit& visit) {
  const http::RequestHead& request = visit.busy.exchange.request();
  const http::ResponseHead& head = visit.busy.call.head();
  if (request.method != Method::kPost || head.status != 200) return false;
  const std::string_view location = head.headers.value(FieldId::kContentLocation);
  const cache::Directives said = cache::parse_cache_control(head.headers);
  if (location.empty() || !(said.max_age || said.s_maxage)) return false;
  return key_at(visit, location) == visit.key;
}

// Passes on the reply that busy.call holds, through `fill` where it is being stored.
rt::Task<void> respond_and_fill(Visit& visit, Fill& fill) {
  Status begun = fill.run_ahead(visit.route.options->timeout.idle);
  if (begun)
    co_await respond(visit.connection, visit.busy, visit.route);
  else
    co_await respond_error(visit.connection, visit.busy, &visit.route, std::move(begun).error());
  co_await fill.see_through();
  visit.busy.fill = nullptr;
}

// What the cache has no part in, but for the objects it changes.
rt::Task<void> pass(Visit& visit, std::string_view why) {
  count(visit.store().counters().bypasses);
  Status forwarded = co_await forward(visit.connection, visit.busy, visit.route);
  if (!forwarded) {
    co_await respond_error(visit.connection, visit.busy, &visit.route, std::move(forwarded).error());
    co_return;
  }
  http::ResponseHead& head = visit.busy.call.head();
  if (!is_safe(visit.busy.exchange.request().method) && head.status >= 200 && head.status < 400)
    co_await invalidate(visit);
  std::shared_ptr<Flight> other;
  const WallTime asked = visit.now();
  Lead lead(visit.store(), stands_for_get(visit) ? visit.store().lead(visit.key, other) : nullptr);
  Fill fill(visit, lead);
  const bool stored = fill.begin(asked);
  add_status(visit, head.headers, visit.busy.exchange.arena().join("fwd=", why, stored ? "; stored" : ""));
  co_await respond_and_fill(visit, fill);
}

// Why a request is not for the cache; empty when it is.
std::string_view bypass_of(const Visit& visit) {
  const http::RequestHead& request = visit.busy.exchange.request();
  const bool taken = (request.method == Method::kGet && visit.rule.takes_get) ||
                     (request.method == Method::kHead && visit.rule.takes_head);
  if (!taken) return "method";
  if (request.wants_upgrade || request.framing != http::Framing::kNone || visit.facts.has_preconditions)
    return "bypass";
  if (cache::is_bypassed(visit.rule.options.bypass, request)) return "bypass";
  return {};
}

bool is_failure(std::uint16_t status) noexcept {
  return status == 500 || status == 502 || status == 503 || status == 504;
}

// What a reply to HEAD says of the stored reply to GET (RFC 9111 section 4.3.5).
void learn_from_head(Visit& visit, const cache::Entry& stored, WallTime asked) {
  const http::ResponseHead& head = visit.busy.call.head();
  if (head.status != 200 || stored.status() != 200) return;
  const std::string_view etag = head.headers.value(FieldId::kETag);
  const std::string_view changed = head.headers.value(FieldId::kLastModified);
  const std::string_view length = head.headers.value(FieldId::kContentLength);
  const bool same = (etag.empty() || etag == stored.validators().etag) &&
                    (changed.empty() || changed == stored.validators().last_modified) &&
                    (length.empty() || parse_uint(length) == stored.body_bytes());
  if (!same) return stored.mark_outdated();
  http::Headers update;
  http::copy_end_to_end(head.headers, update);
  renewed(visit, stored, std::move(update), asked);
}

// Passes a reply of the origin on, and stores it where that may be.
rt::Task<void> pass_on(Visit& visit, Lead& lead, WallTime asked) {
  Busy& busy = visit.busy;
  http::ResponseHead& head = busy.call.head();
  Fill fill(visit, lead);
  const bool get = busy.exchange.request().method == Method::kGet;
  const bool stored = get && head.status != 101 && fill.begin(asked);
  if (!stored) lead.end(Flight::End::kNothing);
  const bool has_it =
      stored && head.status == 200 && !busy.first.blocked && busy.first.end &&
      (!visit.facts.if_none_match.empty() || !visit.facts.if_modified_since.empty() || !visit.facts.range.empty());
  if (has_it && fill.entry()) {
    // The whole object is there, and the client has asked for less.
    busy.fill = nullptr;
    busy.lease.drop();
    co_await answer_stored(visit, fill.entry(), Via::kJustStored);
    co_return;
  }
  add_status(
      visit, head.headers,
      busy.exchange.arena().join("fwd=", visit.why, stored ? "; stored" : "", visit.collapsed ? "; collapsed" : ""));
  co_await respond_and_fill(visit, fill);
}

// Asks the origin, with what is stored (may be null) to be validated, or to fall back on.
rt::Task<void> ask(Visit& visit, cache::EntryPtr stored, bool on_error, Lead lead) {
  Busy& busy = visit.busy;
  const bool get = busy.exchange.request().method == Method::kGet;
  count(visit.store().counters().misses);
  const bool whole = lead && (stored || visit.facts.range.empty());
  Asked asked = co_await ask_origin(visit, get ? stored.get() : nullptr, whole);
  const bool failed = !asked.status || is_failure(busy.call.head().status);
  const bool clients_fault = !asked.status && asked.status.error().side == Side::kClient;
  if (failed && !clients_fault && stored && on_error) {
    lead.end(Flight::End::kNothing);
    busy.upload.cancel();
    busy.lease.drop();
    count(visit.store().counters().stale);
    co_await answer_stored(visit, std::move(stored), Via::kStaleOnError);
    co_return;
  }
  if (!asked.status) {
    if (!clients_fault) lead.end(Flight::End::kNothing);
    co_await respond_error(visit.connection, busy, &visit.route, std::move(asked.status).error());
    co_return;
  }
  if (asked.confirmed) {
    count(visit.store().counters().revalidated);
    stored = take_update(visit, *stored, asked.at);
    lead.end(Flight::End::kStored);
    co_await answer_stored(visit, std::move(stored), Via::kConfirmed);
    co_return;
  }
  if (!get && stored) learn_from_head(visit, *stored, asked.at);
  co_await pass_on(visit, lead, asked.at);
}

// Asks the origin for the rest of an object of which a part is stored, and answers with all of it. False: what came is
// not the rest, and nothing has been answered.
rt::Task<bool> ask_for_rest(Visit& visit, const Missing& missing, Lead& lead) {
  Busy& busy = visit.busy;
  const Asked asked = co_await ask_missing(visit, missing);
  if (!asked.status) co_return false;
  if (busy.call.head().status == 200) {
    count(visit.store().counters().misses);
    co_await pass_on(visit, lead, asked.at);
    co_return true;
  }
  cache::EntryPtr whole;
  if (completes(visit, missing)) {
    visit.facts.range = missing.range;
    Fill fill(visit, lead);
    const bool came = fill.begin(asked.at) && co_await fill.finish(visit.route.options->timeout.idle);
    busy.fill = nullptr;
    visit.facts.range = {};
    if (came && fill.entry() && !fill.entry()->piece()) whole = fill.entry();
  }
  if (whole && busy.call.reusable(true))
    busy.lease.give_back(Duration::zero());
  else
    busy.lease.drop();
  if (!whole) co_return false;
  count(visit.store().counters().misses);
  visit.why = "partial";
  co_await answer_stored(visit, std::move(whole), Via::kJustStored);
  co_return true;
}

cache::Decision decide(const Visit& visit, const cache::Entry& entry) {
  return cache::decide(entry.terms(), entry.age(visit.now()), visit.facts, entry.outdated());
}

void note_use(const Visit& visit, const cache::EntryPtr& stored, Use use) {
  count(use == Use::kFresh ? visit.store().counters().hits : visit.store().counters().stale);
  if (use == Use::kRefresh) start_refresh(visit, stored);
}

// Whether what is stored of an object holds what is asked for, and has answered it.
rt::Task<bool> answer_from_pieces(Visit& visit) {
  if (visit.busy.exchange.request().method != Method::kGet) co_return false;
  FoundPiece piece = find_piece(visit);
  if (!piece.entry) co_return false;
  count(visit.store().counters().hits);
  co_await answer_piece(visit, std::move(piece.entry), piece.part);
  co_return true;
}

// Why the origin is asked, in the words of RFC 9211.
std::string_view why_asked(const Visit& visit, const cache::Store::Found& found) {
  if (!found.entry) return found.other_variants ? "vary-miss" : "uri-miss";
  return found.entry->age(visit.now()) < found.entry->lifetime() ? "request" : "stale";
}

enum class Joined : std::uint8_t {
  kAnswered,
  kLookAgain,  ///< and wait again, or lead
  kAsk         ///< the origin, and wait for nobody
};

// Waits for the fill of another request, as far as its head; what it brings is then answered with as it comes, where it
// is for this request, too.
rt::Task<Joined> join(Visit& visit, const std::shared_ptr<Flight>& other, Instant deadline) {
  count(visit.store().counters().collapsed);
  // Counted from now on: should the one who began leave with the head just there, the body is wanted all the same.
  const Flight::Reader reader(other);
  const Flight::End end = co_await other->wait(visit.connection.worker.loop(), deadline);
  visit.collapsed = end == Flight::End::kStored || end == Flight::End::kOpened;
  if (end == Flight::End::kFailed) co_return Joined::kLookAgain;
  if (end != Flight::End::kOpened) co_return Joined::kAsk;
  const cache::Entry& head = *other->head();
  const auto decision = cache::decide(head.terms(), head.age(visit.now()), visit.facts, other->spoiled());
  if (decision.use == Use::kValidate || !head.matches(visit.busy.exchange.request().headers)) {
    visit.collapsed = false;
    co_return Joined::kAsk;
  }
  count(decision.use == Use::kFresh ? visit.store().counters().hits : visit.store().counters().stale);
  co_await answer_growing(visit, other);
  co_return Joined::kAnswered;
}

}  // namespace

rt::Task<void> serve_cached(ClientConnection& connection, Busy& busy, const Route& route) {
  Visit visit = make_visit(connection, busy, route);
  const bool purge = is_purge(visit);
  if (const std::string_view why = bypass_of(visit); purge || !why.empty()) {
    co_await (purge ? serve_purge(visit) : pass(visit, why));
    co_return;
  }
  cache::Store& store = visit.store();
  const http::RequestHead& request = busy.exchange.request();
  const Instant deadline = connection.worker.loop().now() + visit.rule.options.collapse;
  bool waits = visit.rule.options.collapse > Duration::zero() && request.method == Method::kGet &&
               visit.facts.range.empty() && !visit.facts.control.no_store;
  bool looked_on_disk = false;
  for (;;) {
    cache::Store::Found found = store.find(visit.key, request.headers);
    if (!found.entry && !std::exchange(looked_on_disk, true))
      found = co_await bring_from_disk(visit, std::move(found), deadline);
    cache::Decision decision;
    if (found.entry) {
      decision = decide(visit, *found.entry);
      if (decision.use != Use::kValidate) {
        note_use(visit, found.entry, decision.use);
        if (!found.entry->on_disk()) {
          co_await answer_stored(visit, std::move(found.entry), Via::kHit);
          co_return;
        }
        if (co_await answer_from_disk(visit, std::move(found.entry), Via::kHit)) co_return;
        // It is there no more, and what is may be another.
        looked_on_disk = false;
        continue;
      }
    }
    if (visit.facts.control.only_if_cached) {
      // RFC 9111 section 5.2.1.7.
      co_await respond_refusal(connection, busy, &route, {.status = 504, .fields = {}});
      co_return;
    }
    if (found.pieces && !found.entry && co_await answer_from_pieces(visit)) co_return;
    visit.why = why_asked(visit, found);
    std::shared_ptr<Flight> other;
    // A part of an object that is not there is asked for as it is, and stored as what it is.
    const std::string_view part = found.entry ? std::string_view() : visit.facts.range;
    Lead lead(store, request.method == Method::kGet ? store.lead(visit.key, other, part) : nullptr);
    if (!lead && other && waits && !store.passes(visit.key, visit.now())) {
      const Joined joined = co_await join(visit, other, deadline);
      if (joined == Joined::kAnswered) co_return;
      waits = joined == Joined::kLookAgain && connection.worker.loop().now() < deadline;
      continue;
    }
    if (lead && found.pieces && !found.entry && part.empty())
      if (const Missing missing = find_missing(visit); !missing.range.empty()) {
        if (co_await ask_for_rest(visit, missing, lead)) co_return;
        // Its flight may be over; the next round begins another, with the pieces that did not help taken out.
        store.invalidate(visit.key);
        continue;
      }
    co_await ask(visit, std::move(found.entry), decision.on_error, std::move(lead));
    co_return;
  }
}

}  // namespace rpx::proxy
