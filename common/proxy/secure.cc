#include "proxy/secure.h"

#include <sys/socket.h>

#include <chrono>

#include "base/log.h"
#include "net/buffer.h"
#include "proxy/h2_connection.h"
#include "proxy/site.h"
#include "tls/challenges.h"
#include "tls/handshake.h"

namespace rpx::proxy {
namespace {

constexpr std::string_view kPlainHttp =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 71\r\nConnection: close\r\n\r\n"
    "This port speaks HTTPS, and the request came without TLS: use https://\n";
static_assert(kPlainHttp.size() - kPlainHttp.find("\r\n\r\n") - 4 == 71);
constexpr Duration kReadOnTime = std::chrono::seconds(2);
constexpr std::size_t kReadOnBytes = 1024 * 1024;

// Tells it in the client's own language, and reads on for a moment so that the answer is not lost in a reset.
rt::Task<void> answer_plain_http(net::Stream& stream, Instant now) {
  const int fd = stream.fd();
  send(fd, kPlainHttp.data(), kPlainHttp.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  shutdown(fd, SHUT_WR);
  const std::span<char> dropped = net::scratch();
  for (std::size_t bytes = 0; bytes < kReadOnBytes;) {
    const ssize_t got = recv(fd, dropped.data(), dropped.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) co_return;
    if (got > 0) {
      bytes += static_cast<std::size_t>(got);
      continue;
    }
    stream.io().cleared_read();
    if (stream.io().may_read()) co_return;
    const rt::Wake wake = co_await stream.io().readable(now + kReadOnTime);
    if (wake != rt::Wake::kReady) co_return;
  }
}

void report(ClientConnection& connection, const Error& error) {
  connection.worker.counts().tls_failed.add();
  // Port checks come and go without a word.
  const bool quiet = error.kind == ErrorKind::kClosed || error.kind == ErrorKind::kCancelled;
  LogBudget& budget = connection.worker.log_budget();
  if (!quiet && !budget.take(connection.worker.loop().now())) return;
  const LogLevel level = quiet ? LogLevel::kDebug : LogLevel::kInfo;
  if (const std::uint64_t more = quiet ? 0 : budget.take_kept_back(); more != 0)
    log_event(level, "no TLS handshake, of more clients than are named", {{"clients", std::to_string(more)}});
  const bool plain = connection.secured->spoke_plain();
  log_event(level, "no TLS handshake",
            {{"client", connection.peer.to_string()},
             {"listener", connection.listener->options.name},
             {"reason", plain ? std::string_view("plain HTTP on a TLS port") : std::string_view(error.detail)}});
}

// A place among the handshakes in progress.
class HandshakePlace {
 public:
  HandshakePlace(Worker& worker, std::uint32_t most)
      : limits_(worker.limits().enter_handshake(most) ? &worker.limits() : nullptr) {}
  ~HandshakePlace() {
    if (limits_) limits_->leave_handshake();
  }
  HandshakePlace(const HandshakePlace&) = delete;
  HandshakePlace& operator=(const HandshakePlace&) = delete;
  explicit operator bool() const noexcept { return limits_ != nullptr; }

 private:
  ConnectionLimits* limits_;
};

// A handshake costs us more than the client that only begins it.
bool may_shake_hands(ClientConnection& connection, const Site& site) {
  const policy::RateLimit* limit = site.handshakes();
  if (!limit || connection.listener->is_unix) return true;
  const IpPrefix client = policy::client_of(connection.peer);
  if (limit->take(client.to_string(), std::chrono::steady_clock::now()).within) return true;
  Worker& worker = connection.worker;
  worker.counts().refused.add();
  if (worker.log_budget().take(worker.loop().now()))
    log_event(LogLevel::kInfo, "too many TLS handshakes of one client", {{"client", client.to_string()}});
  return false;
}

}  // namespace

rt::Task<bool> secure(ClientConnection& connection) {
  Worker& worker = connection.worker;
  const Site& site = *worker.live()->site;
  const HandshakePlace place(worker, site.options().tls.max_handshakes);
  if (!place) {
    worker.counts().refused.add();
    if (worker.log_budget().take(worker.loop().now()))
      log_event(LogLevel::kWarning, "too many TLS handshakes at once",
                {{"listener", connection.listener->options.name}});
    co_return false;
  }
  if (!may_shake_hands(connection, site)) co_return false;
  std::shared_ptr<const tls::ServerContexts> contexts = site.tls();
  tls::SslPtr ssl = contexts ? contexts->make() : nullptr;
  if (!ssl) co_return false;
  const Instant deadline = deadline_after(worker.loop().now(), site.limits().tls_handshake);
  connection.secured =
      std::make_unique<tls::TlsStream>(worker.loop(), connection.plain.release(), std::move(ssl), std::move(contexts));
  // What is inside the bytes that a tcp listener passes on is between the client and the server.
  if (!connection.listener->options.is_tcp()) connection.secured->offer(alpn_of(connection.listener->options));
  const Status shaken = co_await tls::handshake(*connection.secured, deadline);
  if (shaken) {
    worker.counts().tls_handshakes.add();
    if (connection.secured->resumed()) worker.counts().tls_resumed.add();
    // An authority has seen what it wanted to see (RFC 8737 section 3); nothing follows.
    co_return connection.secured->alpn() != tls::kAcmeProtocol;
  }
  report(connection, shaken.error());
  if (connection.secured->spoke_plain()) co_await answer_plain_http(*connection.secured, worker.loop().now());
  co_return false;
}

}  // namespace rpx::proxy
