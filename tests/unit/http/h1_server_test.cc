#include "http/h1_server.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "support/run.h"
#include "support/streams.h"

namespace rpx::http {
namespace {

using Head = H1Exchange::Head;

struct Served {
  Served() : pair(test::stream_pair(loop)) { exchange.attach(*pair.near, limits); }
  void send(std::string_view text) {
    test::send_now(pair.far->fd(), text);
    pair.near->io().mark_readable();
  }
  std::string received() { return test::receive_now(pair.far->fd()); }
  std::string reply(std::uint16_t status, std::string_view body) {
    Headers headers;
    BodySink& sink = exchange.reply(status, {}, headers, {.present = true, .length = body.size()});
    REQUIRE(sink.try_write(body, true) == true);
    return received();
  }
  rt::Loop loop;
  test::StreamPair pair;
  Limits limits;
  H1Exchange exchange;
};

TEST_CASE("h1 server: a head in single bytes, then the body", "[http]") {
  Served served;
  const std::string head = "POST /a?b HTTP/1.1\r\nHost: A.test\r\nContent-Length: 4\r\n\r\n";
  for (std::size_t i = 0; i < head.size(); ++i) {
    REQUIRE(served.exchange.try_read_head() == Head::kBlocked);
    served.send(head.substr(i, 1));
  }
  REQUIRE(served.exchange.try_read_head() == Head::kComplete);
  CHECK(served.exchange.request().target.path == "/a");
  CHECK(served.exchange.request().target.host == "a.test");
  BodySource& body = served.exchange.body(0);
  CHECK(body.try_read(100)->blocked);
  served.send("bodyGET");
  const auto piece = body.try_read(100);
  REQUIRE(piece);
  CHECK(piece->data == "body");
  CHECK(piece->end);
  CHECK(served.exchange.bytes_received() == head.size() + 4);
  served.reply(200, "ok");
  CHECK(served.exchange.finish());
  CHECK(served.exchange.has_input());
}

TEST_CASE("h1 server: pipelined requests come out one by one", "[http]") {
  Served served;
  std::string all;
  for (int i = 0; i < 5; ++i) all += fmt::format("PUT /{} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nb{}", i, i);
  served.send(all);
  for (int i = 0; i < 5; ++i) {
    REQUIRE(served.exchange.try_read_head() == Head::kComplete);
    CHECK(served.exchange.request().target.path == fmt::format("/{}", i));
    // Bodies nobody reads are dropped when they are here already.
    if (i % 2) {
      CHECK(served.exchange.body(0).try_read(10)->data == fmt::format("b{}", i));
    }
    const std::string got = served.reply(200, "ok");
    CHECK(got.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(got.ends_with("Content-Length: 2\r\n\r\nok"));
    REQUIRE(served.exchange.finish());
  }
  CHECK_FALSE(served.exchange.has_input());
}

TEST_CASE("h1 server: whether the connection goes on", "[http][rfc9112-9.3]") {
  struct Row {
    std::string_view head;
    bool body_is_known;
    bool goes_on;
    std::string_view connection;
  };
  const Row row = GENERATE(values<Row>({
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, true, ""},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, true, ""},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true, false, "close"},
      {"GET / HTTP/1.0\r\n\r\n", true, false, "close"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, true, "keep-alive"},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false, false, "close"},
      {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", true, false, ""},  // the body is still to come
      {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", true, false, "close"},
  }));
  Served served;
  served.send(row.head);
  REQUIRE(served.exchange.try_read_head() == Head::kComplete);
  Headers headers;
  ReplyBody body{.present = true};
  if (row.body_is_known) body.length = 2;
  BodySink& sink = served.exchange.reply(200, {}, headers, body);
  REQUIRE(sink.try_write("ok", true) == true);
  CAPTURE(row.head);
  CHECK(headers.value(FieldId::kConnection) == row.connection);
  CHECK(served.exchange.finish() == row.goes_on);
  CHECK(headers.has(FieldId::kContentLength) == row.body_is_known);
}

TEST_CASE("h1 server: interim responses are for HTTP/1.1 clients, before the reply", "[http]") {
  Served served;
  const bool old_client = GENERATE(false, true);
  served.send(old_client ? "GET / HTTP/1.0\r\n\r\n" : "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(served.exchange.try_read_head() == Head::kComplete);
  Headers hints;
  hints.add("Link", "</a.css>");
  CHECK(served.exchange.send_interim(103, hints));
  CHECK(served.received().starts_with(old_client ? "" : "HTTP/1.1 103 "));
  const std::string got = served.reply(200, "");
  CHECK(got.starts_with("HTTP/1.1 200 "));
  CHECK(served.exchange.send_interim(103, hints));
  CHECK(served.received().empty());
}

TEST_CASE("h1 server: ends and errors of heads", "[http]") {
  Served served;
  SECTION("closed before a request") {
    served.pair.far->shutdown_write();
    CHECK(served.exchange.try_read_head() == Head::kClosed);
  }
  SECTION("closed in the middle of a head") {
    served.send("GET / HT");
    REQUIRE(served.exchange.try_read_head() == Head::kBlocked);
    served.pair.far->shutdown_write();
    served.pair.near->io().mark_readable();
    const auto head = served.exchange.try_read_head();
    REQUIRE_FALSE(head);
    CHECK(head.error().side == Side::kClient);
  }
  SECTION("too large, before it is complete") {
    served.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    REQUIRE(served.exchange.try_read_head() == Head::kBlocked);
    served.limits.header_bytes = 1000;
    served.send(std::string(2000, 'x'));
    const auto head = served.exchange.try_read_head();
    REQUIRE_FALSE(head);
    CHECK(head.error().kind == ErrorKind::kHeaderTooLarge);
  }
}

}  // namespace
}  // namespace rpx::http
