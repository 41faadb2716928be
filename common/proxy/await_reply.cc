#include "proxy/await_reply.h"

#include "base/result.h"
#include "http/hop_by_hop.h"
#include "proxy/client_gone.h"
#include "proxy/descriptors.h"
#include "proxy/websocket.h"

namespace rpx::proxy {
namespace {

// Heads that one request may bring before the server is held to be broken.
constexpr int kMostHeads = 100;
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

// The wait for one head: who is watched meanwhile, and what it means when it ends without one.
class HeadWait {
 public:
  HeadWait(const Ask& ask, Instant deadline)
      : busy_(ask.busy),
        loop_(ask.connection.worker.loop()),
        client_(asking_client(ask.busy)),
        watch_(client_, ask.busy.call),
        deadline_(deadline),
        reads_body_(!ask.busy.exchange.reader().ended()) {
    watched_ = client_.stream && (client_.stream->io().is_watched() || many_descriptors(client_.stream->fd()));
    if (watched_ && !reads_body_) watch_.watch();
    begin(client_.stream && !watched_ && !reads_body_);
  }

  /// When to look after the client at the latest, or to give up.
  Instant until() const noexcept { return until_; }
  bool client_is_gone() const noexcept { return client_.is_gone(); }
  /// What an interrupted or failed wait really was.
  Error blame(Error error) const {
    if (client_.is_gone()) return client_.error();
    if (busy_.upload.done() && !busy_.upload.result()) {
      const Error& upload = busy_.upload.result().error();
      // What the server did while we sent tells less than what it says or does not say itself.
      if (upload.side == Side::kClient || error.kind == ErrorKind::kCancelled) return upload;
    }
    return error;
  }
  /// Whether to wait on after `error`.
  bool goes_on(const Error& error) {
    if (error.kind == ErrorKind::kResponseTimeout && first_wait_ && until_ < deadline_) {
      begin(false);
      watch_.watch();
      return true;
    }
    // The end of a successful upload wakes the wait as well.
    if (error.kind != ErrorKind::kCancelled || client_.is_gone() || upload_failed()) return false;
    if (client_.stream && busy_.upload.done() && std::exchange(reads_body_, false)) {
      // Nobody reads the client's connection from now on.
      if (watched_)
        watch_.watch();
      else
        begin(true);
    }
    return true;
  }
  /// Whether the server stopped reading, and so may have answered already.
  bool ends_with_upload(const Error& error) const {
    return error.kind == ErrorKind::kCancelled && !client_.is_gone() && upload_failed() &&
           busy_.upload.result().error().side == Side::kUpstream;
  }
  /// Until when such an answer is waited for.
  Instant last_look() const noexcept { return std::min(deadline_, loop_.now() + kWatchAfter); }

 private:
  void begin(bool first) noexcept {
    first_wait_ = first;
    until_ = first ? last_look() : deadline_;
  }
  bool upload_failed() const { return busy_.upload.done() && !busy_.upload.result(); }

  Busy& busy_;
  rt::Loop& loop_;
  const upstream::WaitingClient client_;
  HangUpWatch watch_;
  Instant deadline_;
  Instant until_{};
  bool watched_ = false;
  bool reads_body_;
  bool first_wait_ = false;
};

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

// True where it is the last head; one that comes before it is passed on.
Result<bool> take_head(Busy& busy, Instant now) {
  const http::ResponseHead& head = busy.call.head();
  if (head.status == 101) {
    RPX_TRY_VOID(check_switch(busy));
    return true;
  }
  // To a client of HTTP/2 a good reply would mean that its tunnel is open.
  if (head.status / 100 == 2 && busy.exchange.request().wants_upgrade && !busy.exchange.stream())
    return upstream_error(ErrorKind::kUpgradeFailed, "the server did not switch protocols");
  if (head.status >= 200) {
    busy.trail.first_byte = now - busy.trail.sent;
    return true;
  }
  http::copy_end_to_end(head.headers, busy.out);
  RPX_TRY_VOID(busy.exchange.send_interim(head.status, busy.out));
  return false;
}

}  // namespace

// One coroutine for all of it, since its frame is cold whenever a reply comes.
rt::Task<Status> await_reply(const Ask& ask) {
  Busy& busy = ask.busy;
  const AwaitsHead awaits(busy);
  const http::Method method = busy.exchange.request().method;
  rt::Loop& loop = ask.connection.worker.loop();
  busy.trail.sent = loop.now();
  int heads = 0;
  while (heads < kMostHeads) {
    HeadWait wait(ask, deadline_after(loop.now(), ask.route.options->timeout.response));
    for (;;) {
      if (wait.client_is_gone()) co_return std::unexpected(wait.blame({}));
      Result<bool> read = busy.call.try_read_head(method);
      if (read && *read) break;
      Status waited;
      if (!read) {
        waited = std::unexpected(std::move(read).error());
      } else if (http::H1Call* h1 = busy.call.h1()) {
        const rt::Wake wake = co_await h1->stream().io().readable(wait.until());
        waited = http::H1Call::judge_wait(wake);
      } else {
        waited = co_await busy.call.h2()->wait_for_head(wait.until());
      }
      if (waited || wait.goes_on(waited.error())) continue;
      if (!wait.ends_with_upload(waited.error())) co_return std::unexpected(wait.blame(std::move(waited).error()));
      busy.call.look_again();
      const Status last = co_await busy.call.read_head(method, wait.last_look());
      if (!last) co_return std::unexpected(busy.upload.result().error());
      break;
    }
    ++heads;
    RPX_CO_TRY(const bool last, take_head(busy, loop.now()));
    if (last) co_return Status{};
  }
  co_return upstream_error(ErrorKind::kBadResponse, "interim responses without end");
}

}  // namespace rpx::proxy
