#include "proxy/h2_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/log.h"
#include "base/result.h"
#include "http/h2_session.h"
#include "proxy/handle.h"
#include "proxy/protect.h"
#include "proxy/site.h"
#include "proxy/wrong_protocol.h"

namespace rpx::proxy {
namespace {

// RFC 9113 section 3.4: what no request of HTTP/1 begins with.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// What connections that are ended for what they do count as among replies.
constexpr std::uint16_t kBadRequest = 400;
constexpr std::uint16_t kTooManyRequests = 429;

// One stream's request on its way.
class StreamWork final : public http::H2Work {
 public:
  StreamWork(rt::Loop& loop, http::H2Stream& stream) : stream_(stream), busy_(loop, stream) {}
  ~StreamWork() override { rest(); }
  StreamWork(const StreamWork&) = delete;
  StreamWork& operator=(const StreamWork&) = delete;

  void begin(ClientConnection& connection) {
    connection_ = &connection;
    at_rest_ = false;
    busy_.live = connection.worker.live();
    busy_.trail = {};
    busy_.trail.phase = Phase::kReading;
    connection.busy = &busy_;
    task_ = serve();
    task_.start(std::noop_coroutine());
  }
  bool done() const noexcept override { return task_.done(); }
  void abandon(Error error) noexcept override {
    if (!at_rest_ && !busy_.trail.failure) busy_.trail.failure = std::move(error);
    // Others may be reading along in the cache.
    if (busy_.fill && !task_.done()) busy_.fill->hand_over();
    task_.reset();
  }
  void rest() noexcept override {
    task_.reset();
    if (!connection_) return;
    let_go();
    connection_ = nullptr;
  }

 private:
  // At once when all is said, while it is warm in the caches; what is left then is to see the reply leave.
  void let_go() noexcept {
    if (std::exchange(at_rest_, true)) return;
    if (connection_->busy == &busy_) connection_->busy = nullptr;
    busy_.reset();
  }

  rt::Task<void> serve() {
    try {
      if (stream_.fault())
        co_await refuse(*connection_, busy_, std::move(*stream_.fault()));
      else
        co_await handle(*connection_, busy_);
      const Duration patience = busy_.live->site->limits().write_timeout;
      let_go();
      co_await stream_.finish(patience);
    } catch (const std::exception& error) {
      // Such as memory that is not to be had: it ends this stream alone.
      log_event(LogLevel::kError, "HTTP/2 stream ended", {{"reason", error.what()}});
    }
    connection_->worker.loop().soon(stream_.work_ended());
  }

  ClientConnection* connection_ = nullptr;
  http::H2Stream& stream_;
  Busy busy_;
  bool at_rest_ = true;
  rt::Task<void> task_;
};

class Streams final : public http::H2Handler {
 public:
  explicit Streams(ClientConnection& connection) : connection_(connection) {}
  std::unique_ptr<http::H2Stream> make() override {
    std::unique_ptr<http::H2Stream> stream = connection_.worker.spare_streams().take();
    return stream ? std::move(stream) : std::make_unique<http::H2Stream>(connection_.worker.loop());
  }
  void keep(std::unique_ptr<http::H2Stream> stream) noexcept override {
    if (!connection_.worker.draining()) connection_.worker.spare_streams().keep(std::move(stream));
  }
  std::unique_ptr<http::H2Work> begin(http::H2Stream& stream) override {
    connection_.worker.counts().h2_requests.add();
    std::unique_ptr<http::H2Work> work = stream.take_work();
    if (!work) work = std::make_unique<StreamWork>(connection_.worker.loop(), stream);
    static_cast<StreamWork&>(*work).begin(connection_);
    return work;
  }
  void set_idle(bool idle) noexcept override {
    connection_.idle = idle;
    Shedding& shedding = connection_.worker.shedding();
    idle ? shedding.is_idle(connection_) : shedding.is_served(connection_);
  }
  bool draining() const noexcept override { return connection_.worker.draining(); }

 private:
  ClientConnection& connection_;
};

bool takes(const ListenOptions& listener, std::string_view protocol) noexcept {
  return std::ranges::find(listener.protocols, protocol) != listener.protocols.end();
}

}  // namespace

std::string alpn_of(const ListenOptions& listener) {
  std::string out;
  const auto add = [&out](std::string_view name) { out.append(1, static_cast<char>(name.size())).append(name); };
  if (listener.protocols.empty()) add("h2");
  if (listener.protocols.empty()) add("http/1.1");
  for (const std::string& name : listener.protocols) add(name);
  return out;
}

rt::Task<Result<bool>> speaks_h2(ClientConnection& connection, Instant deadline) {
  const ListenOptions& listener = connection.listener->options;
  if (connection.secured) co_return connection.secured->alpn() == "h2";
  if (!takes(listener, "h2c")) co_return false;
  const bool h2_alone = !takes(listener, "http/1.1");
  rt::Pollable& io = connection.plain.io();
  for (;;) {
    // Looked at, not taken: whoever serves the connection reads from its first byte.
    std::array<char, kPreface.size()> bytes;
    const ssize_t got = recv(io.fd(), bytes.data(), bytes.size(), MSG_PEEK);
    if (got == 0) co_return client_error(ErrorKind::kClosed, "closed before a first byte");
    if (got < 0 && errno != EAGAIN && errno != EINTR)
      co_return std::unexpected(net::io_error(errno, Side::kClient, "recv"));
    const std::string_view seen(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (h2_alone && begins_like_tls(seen)) {
      note_tls_on_plain_port(connection);
      co_await answer_tls(connection.plain);
      co_return client_error(ErrorKind::kBadRequest, "TLS where plain HTTP/2 is spoken");
    }
    if (!kPreface.starts_with(seen)) co_return h2_alone;
    if (seen.size() == kPreface.size()) co_return true;
    io.cleared_read();
    if (io.peer_closed()) co_return client_error(ErrorKind::kClosed, "closed in the middle of its first line");
    const rt::Wake wake = co_await io.readable(deadline);
    if (wake != rt::Wake::kReady) co_return client_error(ErrorKind::kHeaderTimeout, "too little to tell the protocol");
  }
}

rt::Task<bool> serve_h2(ClientConnection& connection) {
  connection.worker.counts().h2_connections.add();
  connection.multiplexed = true;
  connection.worker.shedding().awaits_head(connection);
  Streams streams(connection);
  http::H2Session session(connection.stream(), connection.worker.live()->site->limits(), streams);
  const Status ended = co_await session.run();
  if (ended) co_return false;
  const Error& error = ended.error();
  if (error.kind == ErrorKind::kBadRequest) connection.worker.counts().parse_errors.add();
  if (const auto flood = session.flood()) {
    connection.worker.counts().h2_floods[static_cast<std::size_t>(*flood)].add();
    count_for_bans(connection, kTooManyRequests);
  } else if (error.kind == ErrorKind::kBadRequest) {
    count_for_bans(connection, kBadRequest);
  }
  const LogLevel level = error.kind == ErrorKind::kBadRequest ? LogLevel::kInfo : LogLevel::kDebug;
  log_event(level, "HTTP/2 connection ended",
            {{"client", connection.peer.to_string()},
             {"listener", connection.listener->options.name},
             {"reason", error.detail}});
  co_return error.kind == ErrorKind::kBadRequest;
}

}  // namespace rpx::proxy
