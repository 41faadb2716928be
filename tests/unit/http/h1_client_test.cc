#include "http/h1_client.h"

#include <catch2/catch.hpp>

#include "http/server_call.h"
#include "support/h1.h"
#include "support/run.h"
#include "support/streams.h"

namespace rpx::http {
namespace {

struct Asked {
  explicit Asked(Framing framing = Framing::kNone) : pair(test::stream_pair(loop)) {
    headers.add("Host", "a");
    sink = &call.begin(*pair.near, limits, {"GET", "/p", "?q"}, headers, framing);
  }
  void answer(std::string_view text) {
    test::send_now(pair.far->fd(), text);
    pair.near->io().mark_readable();
  }
  Status read_head(Method method = Method::kGet) {
    return test::run(loop, call.read_head(method, loop.now() + std::chrono::seconds(5)));
  }
  ErrorKind fails() {
    const Status read = read_head();
    REQUIRE_FALSE(read);
    CHECK(read.error().side == Side::kUpstream);
    return read.error().kind;
  }
  rt::Loop loop;
  test::StreamPair pair;
  Limits limits;
  Headers headers;
  ServerCall call{loop};
  BodySink* sink = nullptr;
};

TEST_CASE("h1 client: the head leaves with the first piece or flush", "[http]") {
  Asked asked(Framing::kNone);
  CHECK(test::receive_now(asked.pair.far->fd()).empty());
  CHECK(asked.sink->try_flush() == true);
  CHECK(test::receive_now(asked.pair.far->fd()) == "GET /p?q HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("h1 client: interim heads, the reply, its body", "[http]") {
  Asked asked;
  const std::string wire =
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 Fine\r\nContent-Length: 3\r\n\r\nabc";
  const std::size_t piece = GENERATE(1U, 7U, 1000U);
  auto answers = test::feed(*asked.pair.far, wire, piece, false);
  test::start(answers);
  REQUIRE(asked.read_head());
  CHECK(asked.call.head().status == 103);
  REQUIRE(asked.read_head());
  CHECK(asked.call.head().status == 200);
  CHECK(asked.call.head().reason == "Fine");
  CHECK_FALSE(asked.call.nothing_received());
  std::string got;
  REQUIRE(test::run(asked.loop, test::collect(asked.call.body(), got)));
  CHECK(got == "abc");
  REQUIRE(asked.sink->try_flush() == true);
  CHECK(asked.call.reusable(true));
  CHECK_FALSE(asked.call.reusable(false));
}

TEST_CASE("h1 client: which replies leave a connection that can be used again", "[http][rfc9112-9.3]") {
  struct Row {
    std::string_view wire;
    bool reusable;
  };
  const Row row = GENERATE(values<Row>({
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
      {"HTTP/1.1 204 No Content\r\n\r\n", true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!", false},  // says more than it was asked
      {"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n", false},
  }));
  Asked asked;
  REQUIRE(asked.sink->try_flush() == true);
  asked.answer(row.wire);
  REQUIRE(asked.read_head());
  std::string got;
  REQUIRE(test::run(asked.loop, test::collect(asked.call.body(), got)));
  CAPTURE(row.wire);
  CHECK(asked.call.reusable(true) == row.reusable);
}

TEST_CASE("h1 client: replies that never come to be", "[http]") {
  Asked asked;
  SECTION("closed without a byte") {
    asked.pair.far->shutdown_write();
    CHECK(asked.fails() == ErrorKind::kClosed);
    CHECK(asked.call.nothing_received());
  }
  SECTION("closed in the middle of a head") {
    asked.answer("HTTP/1.1 200 O");
    asked.pair.far->shutdown_write();
    CHECK(asked.fails() == ErrorKind::kBadResponse);
    CHECK_FALSE(asked.call.nothing_received());
  }
  SECTION("nonsense") {
    asked.answer("SSH-2.0-OpenSSH\r\n\r\n");
    CHECK(asked.fails() == ErrorKind::kBadResponse);
  }
  SECTION("silence") {
    const Status read =
        test::run(asked.loop, asked.call.read_head(Method::kGet, asked.loop.now() + std::chrono::milliseconds(1)));
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::kResponseTimeout);
  }
  SECTION("an interrupt") {
    rt::Task<Status> reading = asked.call.read_head(Method::kGet, Instant::max());
    test::start(reading);
    asked.pair.near->io().interrupt_read();
    REQUIRE(reading.done());
    const Status read = reading.take();
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::kCancelled);
  }
}

TEST_CASE("h1 client: bytes behind a switch of protocols are left over", "[http]") {
  Asked asked;
  asked.answer("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nfirst bytes");
  REQUIRE(asked.read_head());
  CHECK(asked.call.head().status == 101);
  CHECK(asked.call.leftover() == "first bytes");
}

}  // namespace
}  // namespace rpx::http
