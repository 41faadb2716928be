#include <catch2/catch.hpp>

#include "rt/group.h"
#include "support/certs.h"
#include "support/run.h"
#include "support/streams.h"
#include "support/temp_folder.h"
#include "tls/client_context.h"
#include "tls/handshake.h"
#include "tls/server_context.h"

using namespace rpx;

namespace {

// A client and a server of ours, over a socket pair with buffers of `buffer` bytes.
struct Wire {
  explicit Wire(int buffer = 0, bool trusted = true) {
    const test::Pem pem = test::make_certificate("DNS:a.test");
    test::write_file(folder.file("c.pem"), pem.certificate);
    test::write_file(folder.file("c.key"), pem.key);
    test::write_file(folder.file("other.pem"), test::make_certificate("DNS:a.test").certificate);
    const std::vector<tls::CertificateOptions> certificates{{folder.file("c.pem"), folder.file("c.key")}};
    contexts = tls::ServerContexts::build({}, certificates, nullptr).value();
    trust = tls::ClientContext::build({.ca = folder.file(trusted ? "c.pem" : "other.pem")}).value();
    auto [near, far] = test::socket_pair(buffer);
    near_fd = std::move(near);
    server = std::make_unique<tls::TlsStream>(loop, std::move(far), contexts->make(), contexts);
  }
  rt::Task<Result<std::unique_ptr<net::Stream>>> connect(std::string name = "a.test") {
    return tls::ClientContext::connect(trust, std::make_unique<net::SocketStream>(loop, std::move(near_fd)),
                                       std::move(name), slot, Instant::max());
  }
  test::TempFolder folder;
  rt::Loop loop;
  std::shared_ptr<const tls::ServerContexts> contexts;
  std::shared_ptr<const tls::ClientContext> trust;
  std::shared_ptr<tls::SessionSlot> slot = std::make_shared<tls::SessionSlot>();
  net::UniqueFd near_fd;
  std::unique_ptr<tls::TlsStream> server;
};

rt::Task<void> send_pattern(net::Stream& to, std::size_t size, bool& done) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 % 251);
  done = static_cast<bool>(co_await net::write_all(to, text, Side::kClient, Instant::max()));
  to.shutdown_write();
}

rt::Task<bool> receive_pattern(net::Stream& from, std::size_t size, std::size_t piece) {
  std::string bytes(piece, '\0');
  std::size_t at = 0;
  for (;;) {
    if (!from.io().may_read()) co_await from.io().readable(Instant::max());
    const net::IoResult got = from.try_read(bytes);
    if (got.state == net::IoState::kWouldBlock) continue;
    if (got.state != net::IoState::kDone) co_return got.state == net::IoState::kEnd&& at == size;
    for (std::size_t i = 0; i < got.bytes; ++i, ++at)
      if (bytes[i] != static_cast<char>(at * 7 % 251)) co_return false;
  }
}

rt::Task<void> both_ways(Wire& wire, std::size_t size, std::size_t piece, int& good) {
  bool shaken = false;
  rt::TaskGroup tasks(wire.loop);
  struct Run {
    static rt::Task<void> serve(tls::TlsStream& server, bool& shaken) {
      shaken = static_cast<bool>(co_await tls::handshake(server, Instant::max()));
    }
    static rt::Task<void> check(net::Stream& from, std::size_t size, std::size_t piece, int& good) {
      good += (co_await receive_pattern(from, size, piece)) ? 1 : 0;
    }
  };
  tasks.spawn(Run::serve(*wire.server, shaken));
  auto client = co_await wire.connect();
  if (!client) co_return;
  while (!shaken) co_await wire.loop.yield();
  bool up = false;
  bool down = false;
  tasks.spawn(send_pattern(**client, size, up));
  tasks.spawn(send_pattern(*wire.server, size, down));
  tasks.spawn(Run::check(*wire.server, size, piece, good));
  tasks.spawn(Run::check(**client, size, piece, good));
  while (tasks.size() != 0) co_await tasks.empty().wait();
  good += up + down;
}

rt::Task<void> shake(tls::TlsStream& server, Status& out) { out = co_await tls::handshake(server, Instant::max()); }

}  // namespace

TEST_CASE("tls stream: bytes arrive whole both ways, whatever the buffers and pieces", "[tls]") {
  for (const int buffer : {0, 5000})
    for (const std::size_t piece : {std::size_t{1000}, std::size_t{16384}, std::size_t{200'000}}) {
      INFO(buffer << ' ' << piece);
      Wire wire(buffer);
      int good = 0;
      test::run(wire.loop, both_ways(wire, 700'001, piece, good));
      CHECK(good == 4);
    }
}

TEST_CASE("tls stream: a server that is not trusted is refused as such", "[tls]") {
  struct Row {
    bool trusted;
    const char* name;
  };
  for (const Row& row : {Row{false, "a.test"}, Row{true, "b.test"}}) {
    Wire wire(0, row.trusted);
    Status server;
    rt::TaskGroup tasks(wire.loop);
    tasks.spawn(shake(*wire.server, server));
    const auto client = test::run(wire.loop, wire.connect(row.name));
    REQUIRE_FALSE(client);
    CHECK(client.error().kind == ErrorKind::kTlsCertificate);
    CHECK(client.error().side == Side::kUpstream);
    while (tasks.size() != 0) wire.loop.run_once(std::chrono::milliseconds(10));
    CHECK_FALSE(server);
  }
}

TEST_CASE("tls stream: plain HTTP is recognised, junk is an error", "[tls]") {
  struct Row {
    const char* bytes;
    bool plain;
  };
  for (const Row& row : {Row{"GET / HTTP/1.1\r\n\r\n", true}, Row{"OPTIONS * HTTP/1.1\r\n\r\n", true},
                         Row{"\x17unk that is no TLS", false}}) {
    Wire wire;
    test::send_now(wire.near_fd.get(), row.bytes);
    const Status shaken = test::run(wire.loop, tls::handshake(*wire.server, Instant::max()));
    REQUIRE_FALSE(shaken);
    CHECK(shaken.error().kind == ErrorKind::kTlsProtocol);
    CHECK(wire.server->spoke_plain() == row.plain);
    if (row.plain) CHECK(test::receive_now(wire.near_fd.get()).empty());
  }
}

TEST_CASE("tls stream: a peer that goes away in the handshake is no protocol error", "[tls]") {
  Wire wire;
  wire.near_fd.reset();
  const Status shaken = test::run(wire.loop, tls::handshake(*wire.server, Instant::max()));
  REQUIRE_FALSE(shaken);
  CHECK(shaken.error().kind == ErrorKind::kClosed);
}

TEST_CASE("tls stream: a handshake ends at its deadline", "[tls]") {
  Wire wire;
  const Status shaken = test::run(wire.loop, tls::handshake(*wire.server, wire.loop.now()));
  REQUIRE_FALSE(shaken);
  CHECK(shaken.error().kind == ErrorKind::kHeaderTimeout);
}
