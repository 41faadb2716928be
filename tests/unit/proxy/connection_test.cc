#include "proxy/connection.h"

#include <catch2/catch.hpp>

#include <optional>

#include "unit/proxy/live_worker.h"

namespace rpx::proxy {
namespace {

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at) ++found;
  return found;
}

// A client over one connection of its own.
struct Client {
  explicit Client(LiveWorker& owner) : live(owner) {
    auto [near, far] = test::socket_pair();
    fd = std::move(near);
    task = live.serve(std::move(far));
    test::start(task);
  }
  void send(std::string_view text) { test::send_now(fd.get(), text); }
  /// Runs until `part` has come `times` times, or the connection has ended.
  bool expect(std::string_view part, std::size_t times = 1) {
    return test::run_until(live.worker.loop(),
                           [&] {
                             got += test::receive_now(fd.get());
                             return count(got, part) >= times || task.done();
                           }) &&
           count(got, part) >= times;
  }
  LiveWorker& live;
  net::UniqueFd fd;
  std::string got;
  rt::Task<> task;
};

TEST_CASE("connection: requests one after the other use one connection to the server", "[proxy]") {
  LiveWorker live;
  ScriptedOrigin origin(live.worker.loop(), live.path("a"), answers("\r\n\r\n", kOk, 1000));
  live.add_server("a");
  live.take_up();
  Client client(live);
  for (std::size_t i = 1; i <= 3; ++i) {
    client.send(kGet);
    REQUIRE(client.expect("\r\n\r\nok", i));
  }
  CHECK(origin.accepted() == 1);
  CHECK(live.server().idle.load() == 1);
  CHECK(live.worker.counters().requests.read() == 3);
  CHECK(live.worker.counters().responses[2].read() == 3);
}

TEST_CASE("connection: a site swapped in between two pipelined requests leaves nothing of the old one", "[proxy]") {
  LiveWorker live;
  ScriptedOrigin origin(live.worker.loop(), live.path("a"), answers("\r\n\r\n", kOk, 1));
  live.add_server("a");
  live.take_up();
  const std::weak_ptr<const Site> first = live.previous;
  Client client(live);
  client.send(std::string(kGet) + kGet + kGet);
  test::settle(live.worker.loop(), 8);
  REQUIRE(live.worker.counters().requests.read() == 1);
  live.options.limits.header_bytes = 4000;
  live.take_up();
  REQUIRE(client.expect("\r\n\r\nok", 3));
  CHECK(first.expired());
}

TEST_CASE("connection: a stale connection to a server that a reload has dropped meanwhile is replaced", "[proxy]") {
  LiveWorker live;
  bool silent = false;
  ScriptedOrigin origin(live.worker.loop(), live.path("a"), [&](net::SocketStream& stream) -> rt::Task<> {
    std::string seen;
    while (co_await read_past(stream, seen, "\r\n\r\n")) {
      if (silent) co_await stream.io().readable(Instant::max());
      co_await test::feed(stream, kOk, 1000, false);
    }
  });
  live.add_server("a");
  live.take_up();
  Client client(live);
  client.send(kGet);
  REQUIRE(client.expect("\r\n\r\nok"));
  silent = true;
  client.send(kGet);
  test::settle(live.worker.loop(), 8);
  REQUIRE(live.worker.counters().exchanges.read() == 1);
  live.options.upstreams[0].servers[0].weight = 2;  // another server, as far as the pool can tell
  live.take_up();
  silent = false;
  origin.hang_up();
  REQUIRE(client.expect("\r\n\r\nok", 2));
  CHECK(live.worker.counters().stale_leases.read() == 1);
}

TEST_CASE("connection: the end of an upload does not disturb a reply that has begun", "[proxy]") {
  LiveWorker live;
  ScriptedOrigin origin(live.worker.loop(), live.path("a"), [&](net::SocketStream& stream) -> rt::Task<> {
    std::string seen;
    co_await read_past(stream, seen, "\r\n\r\n");
    co_await test::feed(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", 1000, false);
    co_await read_past(stream, seen, "\r\n0\r\n\r\n");
    for (int i = 0; i < 5; ++i) co_await stream.io().loop().yield();
    co_await test::feed(stream, "4\r\nlast\r\n0\r\n\r\n", 1000, false);
  });
  live.add_server("a");
  live.take_up();
  Client client(live);
  client.send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  REQUIRE(client.expect("first"));
  client.send("0\r\n\r\n");
  CHECK(client.expect("4\r\nlast\r\n0\r\n\r\n"));
}

TEST_CASE("connection: a server that refuses is replaced by the next", "[proxy]") {
  LiveWorker live;
  ScriptedOrigin origin(live.worker.loop(), live.path("b"), answers("\r\n\r\n", kOk, 1000));
  live.add_server("a");
  live.add_server("b");
  live.take_up();
  Client client(live);
  client.send(kGet);
  REQUIRE(client.expect("\r\n\r\nok"));
  CHECK(live.server(0).down_workers.load() == 1);
  CHECK(live.worker.counters().retries.read() == 1);
}

TEST_CASE("connection: a long body that was partly taken is not sent again", "[proxy]") {
  LiveWorker live;
  ScriptedOrigin breaking(live.worker.loop(), live.path("a"), [&](net::SocketStream& stream) -> rt::Task<> {
    std::string seen;
    co_await read_past(stream, seen, "part one");
  });
  ScriptedOrigin other(live.worker.loop(), live.path("b"), answers("\r\n\r\n", kOk, 1000));
  live.add_server("a");
  live.add_server("b");
  live.take_up();
  Client client(live);
  client.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n");
  test::settle(live.worker.loop(), 8);
  client.send("part one");
  REQUIRE(client.expect("HTTP/1.1 502"));
  CHECK(other.accepted() == 0);
}

TEST_CASE("connection: bad heads are answered and the connection ends", "[proxy]") {
  LiveWorker live;
  live.add_server("a");
  live.take_up();
  struct Row {
    std::string_view head;
    std::string_view status;
  };
  const Row row =
      GENERATE(Row{"GARBAGE\r\n\r\n", "400"}, Row{"GET / HTTP/1.1\r\n\r\n", "400"},
               Row{"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
               Row{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"});
  Client client(live);
  client.send(row.head);
  client.expect("\r\n\r\n");
  CAPTURE(row.head);
  CHECK(client.got.starts_with("HTTP/1.1 " + std::string(row.status)));
  CHECK(client.got.find("Connection: close") != std::string::npos);
  client.fd.reset();
  CHECK(test::run_until(live.worker.loop(), [&] { return client.task.done(); }));
  CHECK(live.worker.counters().connections.read() == 0);
}

}  // namespace
}  // namespace rpx::proxy
