#include "proxy/tries.h"

#include "base/result.h"
#include "proxy/client_gone.h"
#include "proxy/sticky.h"

namespace rpx::proxy {
namespace {

// The server that the request's session is with, with a place at it; null where the choice is free.
upstream::Member* session_member(const Ask& ask) {
  if (!ask.upstream.sticky) return nullptr;
  const upstream::Server* bound = bound_server(ask);
  return bound ? ask.pool.pick_bound(*bound, ask.busy.place) : nullptr;
}

}  // namespace

Tries::Tries(const Ask& ask) noexcept : ask_(ask), key_(balance_key(ask)) {
  if (ask.pool.hold() > Duration::zero())
    hold_until_ = deadline_after(ask.connection.worker.loop().now(), ask.pool.hold());
}

upstream::Member* Tries::take(upstream::Member* member) noexcept {
  if (!member) return nullptr;
  if (count_ == kMost) count_ = 0;
  tried_[count_++] = member;
  ++asked_;
  ++counted_;
  ask_.busy.trail.tries = static_cast<std::uint16_t>(asked_);
  return member;
}

upstream::Member* Tries::at_once() {
  if (asked_ == 0)
    if (upstream::Member* member = session_member(ask_)) return take(member);
  if (ask_.pool.waits() || pause_ > Duration::zero()) return nullptr;
  return take(ask_.pool.pick(tried(), key_));
}

upstream::Member* Tries::second(upstream::Place& place) noexcept {
  const Instant now = ask_.connection.worker.loop().now();
  if (counted_ > ask_.upstream.retry.attempts() || !has_other()) return nullptr;
  upstream::Member* member = ask_.pool.pick(tried(), key_);
  if (!member || !ask_.pool.well(*member) || !ask_.pool.budget().take(now)) return nullptr;
  const std::shared_ptr<upstream::Server>& server = upstream::Pool::server_of(*member);
  if (server->is_limited()) {
    if (!server->enter()) return nullptr;
    place = upstream::Place(server, ask_.upstream.queue);
  }
  return take(member);
}

rt::Task<Result<upstream::Member*>> Tries::next() {
  Busy& busy = ask_.busy;
  rt::Loop& loop = ask_.connection.worker.loop();
  // Who waits holds nothing that another could use.
  busy.upload.cancel();
  busy.lease.drop();
  busy.place.release();
  const Instant begun = loop.now();
  if (pause_ > Duration::zero())
    RPX_CO_TRY_VOID(co_await pause_until(loop, busy, deadline_after(begun, std::exchange(pause_, {}))));
  upstream::Member* found = nullptr;
  if (ask_.pool.waits()) {
    Result<upstream::Member*> placed =
        co_await ask_.pool.pick_place(tried(), key_, waiting_client(busy), busy.place, hold_until_);
    busy.trail.queued += loop.now() - begun;
    RPX_CO_TRY(found, std::move(placed));
  } else {
    found = ask_.pool.pick(tried(), key_);
    busy.trail.queued += loop.now() - begun;
  }
  if (!found) co_return upstream_error(ErrorKind::kNoServer, "no server is left to try");
  co_return take(found);
}

bool Tries::has_other() const noexcept { return count_ < kMost && ask_.pool.has_other(tried()); }

// Another try, as far as the budget goes; one that costs no server anything goes beyond it.
upstream::Verdict Tries::again(bool free) noexcept {
  Worker& worker = ask_.connection.worker;
  if (!free && !ask_.pool.budget().take(worker.loop().now())) return upstream::Verdict::kGiveUp;
  worker.counts().retries.add();
  const Duration most = ask_.upstream.retry.pause_before(counted_);
  // Half of it by chance, so that those who failed together do not come back together.
  if (most > Duration::zero()) pause_ = std::max(pause_, most / 2 + worker.chance(most / 2));
  return upstream::Verdict::kNext;
}

upstream::Failure Tries::describe(upstream::Failure failure) const noexcept {
  const http::RequestHead& request = ask_.busy.exchange.request();
  failure.replayable = failure.replayable && ask_.busy.replayable();
  failure.keyed = ask_.upstream.retry.minds_keys() && request.headers.find("Idempotency-Key") != nullptr;
  return failure;
}

// A server that has asked to be left alone: others do without it meanwhile, and this request waits for it where there
// is no other.
upstream::Verdict Tries::after_retry_after(Duration asked) {
  ask_.pool.rest(*ask_.busy.lease.member(), asked);
  const bool other = has_other();
  if (!other) pause_ = asked;
  const upstream::Verdict verdict = again();
  if (verdict == upstream::Verdict::kNext && !other) count_ = 0;
  return verdict;
}

upstream::Verdict Tries::after_reply() {
  const http::ResponseHead& head = ask_.busy.call.head();
  const upstream::RetryRule& rule = ask_.upstream.retry;
  if (!rule.retries_status(head.status)) return upstream::Verdict::kGiveUp;
  const http::RequestHead& request = ask_.busy.exchange.request();
  const upstream::Failure failure =
      describe({.kind = ErrorKind::kBadResponse, .status = head.status, .sent = true, .silent = false});
  if (rule.after(failure, request.method_name, request.method, counted_) != upstream::Verdict::kNext)
    return upstream::Verdict::kGiveUp;
  std::optional<Duration> asked;
  if (head.status == 429 || head.status == 503)
    asked = rule.minded(head.headers.value(http::FieldId::kRetryAfter), ask_.connection.worker.wall_now());
  // The last server's failed reply is better than one of our own.
  if (!asked && !has_other()) return upstream::Verdict::kGiveUp;
  const upstream::Verdict verdict = asked ? after_retry_after(*asked) : again();
  if (verdict == upstream::Verdict::kNext)
    ask_.busy.trail.server->counters().failures.fetch_add(1, std::memory_order_relaxed);
  return verdict;
}

upstream::Verdict Tries::after_failure(const Error& error) {
  Busy& busy = ask_.busy;
  if (error.side == Side::kUpstream && busy.lease)
    busy.trail.server->counters().failures.fetch_add(1, std::memory_order_relaxed);
  const upstream::Failure failure =
      describe({.kind = error.kind,
                .sent = busy.lease && !busy.call.untouched(),
                .reused = busy.lease && busy.lease.reused() && busy.call.lost_with_connection(),
                .silent = busy.call.nothing_received(),
                .replayable = error.side == Side::kUpstream});
  Worker& worker = ask_.connection.worker;
  const bool holding = worker.loop().now() < hold_until_;
  // While requests are held, a server that is not there yet costs none of their tries.
  if (holding && !failure.sent && counted_ > 1) --counted_;
  const http::RequestHead& request = busy.exchange.request();
  const upstream::Verdict verdict = ask_.upstream.retry.after(failure, request.method_name, request.method, counted_);
  if (verdict == upstream::Verdict::kFresh) worker.counts().stale_leases.add();
  if (verdict != upstream::Verdict::kNext) return verdict;
  if (!has_other()) {
    if (!holding) return upstream::Verdict::kGiveUp;
    count_ = 0;
  }
  return again(holding && !failure.sent);
}

}  // namespace rpx::proxy
