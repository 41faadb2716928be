#include "load/replay.h"

#include <catch2/catch.hpp>

using rpx::load::read_replay;
using namespace std::chrono_literals;

TEST_CASE("a common or combined log is replayed by its times", "[load]") {
  const auto found = read_replay(
      "1.2.3.4 - - [10/Oct/2026:13:55:37 +0200] \"POST /b?x HTTP/1.1\" 200 5 \"-\" \"curl\"\n"
      "1.2.3.4 - bob [10/Oct/2026:11:55:36 +0000] \"GET /a HTTP/1.1\" 200 5\n",
      "access.log");
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK((*found)[0].target == "/a");
  CHECK((*found)[1].method == "POST");
  CHECK((*found)[1].target == "/b?x");
  CHECK((*found)[1].at == 1s);
}

TEST_CASE("a JSON access log and a HAR file are replayed", "[load]") {
  const auto log = read_replay(
      "{\"time\":\"2026-01-02T03:04:05.500Z\",\"method\":\"GET\",\"path\":\"/p\",\"status\":200}\n"
      "{\"time\":\"2026-01-02T03:04:06.750Z\",\"method\":\"GET\",\"target\":\"/q?r\"}\n",
      "a");
  REQUIRE(log);
  CHECK((*log)[1].at == 1250ms);
  CHECK((*log)[1].target == "/q?r");
  const auto har = read_replay(
      R"({"log":{"entries":[{"startedDateTime":"2026-01-02T03:04:05.5Z","request":{"method":"PUT",
      "url":"https://a.test/x?y#z","headers":[{"name":":method","value":"PUT"},{"name":"Host","value":"a.test"},
      {"name":"Accept","value":"*/*"}],"postData":{"text":"body"}}}]}})",
      "a.har");
  REQUIRE(har);
  REQUIRE(har->size() == 1);
  CHECK((*har)[0].target == "/x?y");
  CHECK((*har)[0].body == "body");
  REQUIRE((*har)[0].headers.size() == 1);
  CHECK((*har)[0].headers[0].first == "Accept");
}

TEST_CASE("what is neither says where", "[load]") {
  CHECK(read_replay("", "x").error().detail == "x:1: no requests");
  CHECK(read_replay("hello\n", "x").error().detail == "x:1: no line of a common log");
  CHECK(read_replay("{\"time\":1}\n", "x").error().detail.starts_with("x:1: "));
  CHECK(read_replay("{\"log\":{}}", "x").error().detail == "x: no HAR file");
}
