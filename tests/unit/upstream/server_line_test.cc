#include "upstream/server_line.h"

#include <catch2/catch.hpp>

namespace rpx::upstream {
namespace {

TEST_CASE("server line: what is written is read again", "[upstream]") {
  for (const std::string_view text : {"http://a", "https://[::1]:8443 weight=2",
                                      "tcp://a:1 priority=3 max_connections=4 backup", "unix:/run/a.sock"}) {
    const auto server = parse_server_line(text);
    REQUIRE(server);
    CHECK(server_line(*server) == text);
  }
}

TEST_CASE("server line: what is wrong is told", "[upstream]") {
  struct Row {
    std::string_view line;
    std::string_view told;
  };
  const Row row = GENERATE(values<Row>({{"", "no server"},
                                        {"nowhere", "expected http://"},
                                        {"unix:a.sock", "must be absolute"},
                                        {"http://a weight=0", "weight is a number from 1 to 65535, not \"0\""},
                                        {"http://a priority=-1", "priority is a number"},
                                        {"http://a wieght=1", "unknown word \"wieght=1\""}}));
  const auto server = parse_server_line(row.line);
  REQUIRE_FALSE(server);
  CHECK(server.error().detail.find(row.told) != std::string::npos);
}

TEST_CASE("server lines: remarks are passed over, doubles refused, other lines left as they are", "[upstream]") {
  const std::string text = "# mine\r\nhttp://a weight=2 # first\n\n  http://b\n";
  const auto servers = parse_server_lines(text);
  REQUIRE(servers);
  REQUIRE(servers->size() == 2);
  CHECK(servers->at(0).weight == 2);
  CHECK(parse_server_lines(text + "http://a").error().detail.starts_with("5: http://a stands above"));
  CHECK(without_server(text, "http://a") == "# mine\r\n\n  http://b\n");
  CHECK(without_server(text, "http://c") == text);
  CHECK(with_server("http://a", {.url = "http://c", .weight = 3}) == "http://a\nhttp://c weight=3\n");
}

}  // namespace
}  // namespace rpx::upstream
