#include "proxy/secure.h"

#include <chrono>

#include "base/log.h"
#include "proxy/h2_connection.h"
#include "proxy/site.h"
#include "proxy/wrong_protocol.h"
#include "tls/challenges.h"
#include "tls/handshake.h"

namespace rpx::proxy {
namespace {

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
  if (connection.secured->spoke_plain())
    co_await answer_plain_http(*connection.secured, connection.secured->spoke_plain_h2());
  co_return false;
}

}  // namespace rpx::proxy
