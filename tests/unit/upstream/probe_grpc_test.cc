// The health protocol of gRPC, byte for byte.
#include "upstream/probe_grpc.h"

#include <catch2/catch.hpp>

namespace rpx::upstream {
namespace {

using namespace std::string_literals;

std::string message(std::string_view body) { return "\0\0\0\0"s + static_cast<char>(body.size()) + std::string(body); }

TEST_CASE("grpc health: the question is one message, with the service as its first field", "[upstream]") {
  CHECK(grpc_health_question("") == "\0\0\0\0\0"s);
  CHECK(grpc_health_question("app.Shop") == "\0\0\0\0\x0a\x0a\x08"s + "app.Shop");
  const std::string long_name(300, 'x');
  CHECK(grpc_health_question(long_name) == "\0\0\0\x01\x2f\x0a\xac\x02"s + long_name);
}

TEST_CASE("grpc health: what an answer says", "[upstream]") {
  struct Row {
    std::string body;
    const char* why;  // empty: serving
  };
  const Row row = GENERATE(values<Row>({{message("\x08\x01"s), ""},
                                        {message("\x08\x02"s), "not serving"},
                                        {message("\x08\x03"s), "an unknown service"},
                                        {message("\x08\x09"s), "a status that is not known here"},
                                        {message(""s), "unknown"},
                                        {message("\x12\x03zzz\x08\x01"s), ""},
                                        {message("\x09\1\2\3\4\5\6\7\x08\x1d\1\2\3\4\x08\x01"s), ""},
                                        {message("\x08"s), "an answer of gRPC that is no health status"},
                                        {message("\x12\x7fz"s), "an answer of gRPC that is no health status"},
                                        {message("\x0b"s), "an answer of gRPC that is no health status"},
                                        {"", "an answer of gRPC without a message"},
                                        {"\x01\0\0\0\x02\x08\x01"s, "an answer of gRPC without a message"}}));
  http::Headers head;
  http::Headers trailers;
  trailers.add("grpc-status", "0");
  CAPTURE(row.why);
  const Status judged = judge_grpc_health(200, head, row.body, &trailers);
  if (*row.why == '\0') {
    CHECK(judged);
  } else {
    REQUIRE_FALSE(judged);
    CHECK(judged.error().detail == row.why);
  }
}

TEST_CASE("grpc health: a status of HTTP or gRPC that is not good is the reason", "[upstream]") {
  const std::string serving = message("\x08\x01"s);
  http::Headers none;
  CHECK(judge_grpc_health(503, none, serving, nullptr).error().detail == "status 503");
  CHECK(judge_grpc_health(200, none, serving, nullptr).error().detail ==
        "no grpc-status: the server does not speak gRPC");
  http::Headers head;
  head.add("grpc-status", "12");
  head.add("grpc-message", "unknown method");
  CHECK(judge_grpc_health(200, head, "", nullptr).error().detail == "grpc status 12: unknown method");
  http::Headers trailers;
  trailers.add("grpc-status", "5");
  CHECK(judge_grpc_health(200, none, "", &trailers).error().detail == "grpc status 5");
}

}  // namespace
}  // namespace rpx::upstream
