#include "proxy/hedge.h"

#include <fmt/format.h>

#include <optional>

#include "base/result.h"
#include "proxy/await_reply.h"
#include "proxy/client_gone.h"
#include "proxy/tcp_connection.h"
#include "rt/child.h"

namespace rpx::proxy {
namespace {

constexpr int kMostHints = 100;

// What the second server is asked with. The connection goes before the call that uses it.
struct Second {
  explicit Second(rt::Loop& loop) : call(loop) {}
  http::ServerCall call;
  upstream::Place place;
  upstream::Lease lease;
  std::shared_ptr<upstream::Server> server;
  Instant begun{};
  Duration connect{};
  Instant sent{};
  Duration first_byte{};
};

// Tells when a child has ended.
struct TryEnded final : rt::Soon {
  explicit TryEnded(rt::Event& to_notify) : event(to_notify) {}
  void run() override { event.notify_all(); }
  rt::Event& event;
};

Status begin_second(const Ask& ask, Second& second) {
  Busy& busy = ask.busy;
  const http::RequestLine line{busy.exchange.request().method_name, ask.path, ask.query};
  const http::Limits& limits = busy.live->site->limits();
  http::H2Slot* slot = second.lease.slot();
  // The fields of the first request are on their way since long, or copied.
  build_head(ask, *second.server, slot != nullptr);
  http::BodySink& sink = slot ? second.call.begin(*slot, limits, line, second.server->tls() ? "https" : "http",
                                                  busy.out, http::Framing::kNone)
                              : second.call.begin(second.lease.stream(), limits, line, busy.out, http::Framing::kNone);
  RPX_TRY(const bool sent, sink.try_flush());
  if (!sent) return upstream_error(ErrorKind::kWriteTimeout, "the server does not take the request at once");
  return {};
}

rt::Task<Status> ask_second(const Ask& ask, Second& second, upstream::Member& member) {
  rt::Loop& loop = ask.connection.worker.loop();
  second.server = upstream::Pool::server_of(member);
  second.begun = loop.now();
  second.lease = ask.pool.reuse(member, false);
  if (!second.lease) {
    std::string preface;
    if (const std::uint32_t version = ask.upstream.options->proxy_protocol; version != 0)
      preface = preface_for(ask.connection, ask.busy.trail.client.client, version);
    RPX_CO_TRY(second.lease, co_await ask.pool.open(member, preface));
    second.connect = loop.now() - second.begun;
  }
  second.server->counters().requests.fetch_add(1, std::memory_order_relaxed);
  ask.pool.begun(*second.server);
  RPX_CO_TRY_VOID(begin_second(ask, second));
  second.sent = loop.now();
  const Instant deadline = deadline_after(second.sent, ask.route.options->timeout.response);
  for (int interim = 0; interim < kMostHints; ++interim) {
    RPX_CO_TRY_VOID(co_await second.call.read_head(ask.busy.exchange.request().method, deadline));
    // Hints that come before a reply are the first server's alone to give.
    if (second.call.head().status >= 200) {
      second.first_byte = loop.now() - second.sent;
      co_return Status{};
    }
    if (second.call.head().status == 101) break;
  }
  co_return upstream_error(ErrorKind::kBadResponse, "no final reply");
}

// A try that came to its end and is not the one that counts.
void judge_other(const Ask& ask, upstream::Server& server, const Status& done, Duration took) {
  if (!done && done.error().side != Side::kUpstream) return;
  server.counters().failures.fetch_add(1, std::memory_order_relaxed);
  ask.pool.learn(server, took, true);
  ask.pool.judge(server, false, done ? std::string_view("a status to be tried elsewhere") : done.error().detail, took);
}

void take_over(const Ask& ask, Second& second) {
  Busy& busy = ask.busy;
  busy.upload.cancel();
  busy.call.swap(second.call);
  std::swap(busy.lease, second.lease);
  std::swap(busy.place, second.place);
  busy.trail.server = second.server;
  busy.trail.try_begun = second.begun;
  busy.trail.connect = second.connect;
  busy.trail.sent = second.sent;
  busy.trail.first_byte = second.first_byte;
}

// Both are under way.
rt::Task<Status> await_either(const Ask& ask, Second& second, rt::Child<Status>& first, rt::Child<Status>& other,
                              rt::Event& either) {
  Busy& busy = ask.busy;
  Worker& worker = ask.connection.worker;
  const Instant begun = busy.trail.try_begun;
  const std::shared_ptr<upstream::Server> server = busy.trail.server;
  const upstream::WaitingClient client = asking_client(busy);
  std::optional<upstream::GoneWatch> gone;
  for (;;) {
    if (first.done()) {
      const Status& done = first.result();
      const bool elsewhere = done && ask.upstream.retry.retries_status(busy.call.head().status);
      if ((done && !elsewhere) || (!done && done.error().side == Side::kClient)) co_return done;
      if (client.is_gone()) co_return std::unexpected(client.error());
      if (!gone) gone.emplace(client, either);
    }
    if (other.done()) {
      const Status& done = other.result();
      if (done && !ask.upstream.retry.retries_status(second.call.head().status)) {
        const Duration took = worker.loop().now() - begun;
        if (first.done())
          judge_other(ask, *server, first.result(), took);
        else
          ask.pool.learn(*server, took, false);
        first.cancel();
        take_over(ask, second);
        worker.counts().hedges_won.add();
        co_return Status{};
      }
      if (first.done()) co_return first.result();
    }
    co_await either.wait();
  }
}

}  // namespace

bool may_hedge(const Ask& ask) noexcept {
  const http::RequestHead& request = ask.busy.exchange.request();
  const bool reads = request.method == http::Method::kGet || request.method == http::Method::kHead ||
                     request.method == http::Method::kOptions;
  return reads && request.framing == http::Framing::kNone && !request.wants_upgrade;
}

rt::Task<Status> await_hedged(const Ask& ask, Tries& tries) {
  const std::optional<Duration> delay = ask.pool.hedge_delay();
  if (!delay) co_return co_await await_reply(ask);
  Worker& worker = ask.connection.worker;
  rt::Loop& loop = worker.loop();
  rt::Event either(loop);
  TryEnded ended(either);
  std::optional<Second> second;
  rt::Child<Status> first(loop);
  rt::Child<Status> other(loop);
  first.start(await_reply(ask), &ended);
  const Instant due = deadline_after(loop.now(), *delay);
  while (!first.done() && loop.now() < due) co_await either.wait(due);
  upstream::Place place;
  upstream::Member* member = first.done() ? nullptr : tries.second(place);
  if (!member) {
    while (!first.done()) co_await either.wait();
    co_return first.result();
  }
  worker.counts().hedges.add();
  second.emplace(loop);
  second->place = std::move(place);
  other.start(ask_second(ask, *second, *member), &ended);
  Status done = co_await await_either(ask, *second, first, other, either);
  if (other.done() && !other.result())
    judge_other(ask, *upstream::Pool::server_of(*member), other.result(), loop.now() - second->begun);
  co_return done;
}

}  // namespace rpx::proxy
