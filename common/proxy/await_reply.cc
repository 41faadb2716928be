#include "proxy/await_reply.h"

#include "base/result.h"
#include "http/hop_by_hop.h"
#include "proxy/client_gone.h"
#include "proxy/descriptors.h"
#include "proxy/websocket.h"

namespace rpx::proxy {
namespace {

// Interim responses that one request may bring before the server is held to be broken.
constexpr int kMostInterim = 100;
// After this long without a reply the client's connection is watched, in case it is given up meanwhile. It costs a
// system call for each connection; when descriptors are short it is made at once.
constexpr Duration kWatchAfter = std::chrono::seconds(1);

// While the reply is awaited, a client that hangs up ends the wait: nobody would read the reply.
class HangUpWatch final : rt::Waiter {
 public:
  HangUpWatch(upstream::WaitingClient client, http::ServerCall& call) : client_(client), call_(call) {}
  ~HangUpWatch() {
    if (client_.stream) client_.stream->io().clear_read_waiter(this);
  }
  HangUpWatch(const HangUpWatch&) = delete;
  HangUpWatch& operator=(const HangUpWatch&) = delete;
  void watch() { client_.stream->io().set_read_waiter(this); }

 private:
  void wake() override {
    // Else there are more requests, or an end of them that a reply may follow.
    if (client_.is_gone())
      call_.interrupt();
    else
      watch();
  }
  upstream::WaitingClient client_;
  http::ServerCall& call_;
};

// What an interrupted or failed wait for the reply really was.
Error blame(Busy& busy, Error error) {
  if (const auto client = asking_client(busy); client.is_gone()) return client.error();
  if (busy.upload.done() && !busy.upload.result()) {
    const Error& upload = busy.upload.result().error();
    // What the server did while we sent tells less than what it says or does not say itself.
    if (upload.side == Side::kClient || error.kind == ErrorKind::kCancelled) return upload;
  }
  return error;
}

rt::Task<Status> await_head(const Ask& ask, Instant deadline) {
  Busy& busy = ask.busy;
  const upstream::WaitingClient client = asking_client(busy);
  const http::Method method = busy.exchange.request().method;
  bool reads_body = !busy.exchange.reader().ended();
  const bool watched = client.stream && (client.stream->io().is_watched() || many_descriptors(client.stream->fd()));
  HangUpWatch watch(client, busy.call);
  if (watched && !reads_body) watch.watch();
  rt::Loop& loop = ask.connection.worker.loop();
  bool first_wait = client.stream && !watched && !reads_body;
  for (;;) {
    if (client.is_gone()) co_return std::unexpected(blame(busy, client.error()));
    const Instant until = first_wait ? std::min(deadline, loop.now() + kWatchAfter) : deadline;
    Status read = co_await busy.call.read_head(method, until);
    if (read) co_return read;
    const bool upload_failed = busy.upload.done() && !busy.upload.result();
    if (read.error().kind == ErrorKind::kResponseTimeout && first_wait && until < deadline) {
      first_wait = false;
      watch.watch();
      continue;
    }
    // The end of a successful upload wakes the wait as well; so does a server that stops reading, which may
    // have answered already.
    if (read.error().kind == ErrorKind::kCancelled && !client.is_gone() &&
        (!upload_failed || busy.upload.result().error().side == Side::kUpstream)) {
      if (!upload_failed) {
        if (client.stream && busy.upload.done() && std::exchange(reads_body, false)) {
          // Nobody reads the client's connection from now on.
          if (watched)
            watch.watch();
          else
            first_wait = true;
        }
        continue;
      }
      busy.call.look_again();
      Status last = co_await busy.call.read_head(method, std::min(deadline, loop.now() + kWatchAfter));
      if (last) co_return last;
      co_return std::unexpected(busy.upload.result().error());
    }
    co_return std::unexpected(blame(busy, read.error()));
  }
}

// Marks the time in which the end of the upload interrupts the wait for the reply.
class AwaitsHead {
 public:
  explicit AwaitsHead(Busy& busy) noexcept : busy_(busy) { busy.awaits_head = true; }
  ~AwaitsHead() { busy_.awaits_head = false; }
  AwaitsHead(const AwaitsHead&) = delete;
  AwaitsHead& operator=(const AwaitsHead&) = delete;

 private:
  Busy& busy_;
};

Status check_switch(Busy& busy) {
  if (!busy.exchange.request().wants_upgrade)
    return upstream_error(ErrorKind::kUpgradeFailed, "the server switched protocols unasked");
  const std::string_view key = busy.trail.websocket_key;
  if (!busy.call.h2() && !key.empty() &&
      busy.call.head().headers.value("Sec-WebSocket-Accept") != websocket_accept(key))
    return upstream_error(ErrorKind::kUpgradeFailed, "the server's Sec-WebSocket-Accept is wrong");
  return {};
}

}  // namespace

rt::Task<Status> await_reply(const Ask& ask) {
  Busy& busy = ask.busy;
  const AwaitsHead awaits(busy);
  const Duration patience = ask.route.options->timeout.response;
  rt::Loop& loop = ask.connection.worker.loop();
  busy.trail.sent = loop.now();
  for (int interim = 0; interim < kMostInterim; ++interim) {
    RPX_CO_TRY_VOID(co_await await_head(ask, deadline_after(loop.now(), patience)));
    http::ResponseHead& head = busy.call.head();
    if (head.status == 101) co_return check_switch(busy);
    // To a client of HTTP/2 a good reply would mean that its tunnel is open.
    if (head.status / 100 == 2 && busy.exchange.request().wants_upgrade && !busy.exchange.stream())
      co_return upstream_error(ErrorKind::kUpgradeFailed, "the server did not switch protocols");
    if (head.status >= 200) {
      busy.trail.first_byte = loop.now() - busy.trail.sent;
      co_return Status{};
    }
    http::copy_end_to_end(head.headers, busy.out);
    RPX_CO_TRY_VOID(busy.exchange.send_interim(head.status, busy.out));
  }
  co_return upstream_error(ErrorKind::kBadResponse, "interim responses without end");
}

}  // namespace rpx::proxy
