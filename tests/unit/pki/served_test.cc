#include "pki/served.h"

#include <catch2/catch.hpp>

namespace rpx::pki {
namespace {

TEST_CASE("served: what names a server", "[pki]") {
  struct Row {
    const char* text;
    const char* host;
    int port;  // 0 = refused
  };
  const Row rows[] = {
      {"a.test", "a.test", 443},
      {"a.test:8443", "a.test", 8443},
      {"https://a.test/x", "a.test", 443},
      {"https://a.test:1", "a.test", 1},
      {"127.0.0.1", "127.0.0.1", 443},
      {"127.0.0.1:9", "127.0.0.1", 9},
      {"::1", "::1", 443},
      {"[::1]:8443", "::1", 8443},
      {"[::1]", "::1", 443},
      {"", "", 0},
      {":443", "", 0},
      {"a.test:", "", 0},
      {"a.test:0", "", 0},
      {"a.test:65536", "", 0},
      {"[::1", "", 0},
      {"a b", "", 0},
      {"user@a.test", "", 0},
      {"a.test:x", "", 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto endpoint = parse_endpoint(row.text);
    REQUIRE(endpoint.has_value() == (row.port != 0));
    if (!endpoint) continue;
    CHECK(endpoint->host == row.host);
    CHECK(endpoint->port == row.port);
  }
}

}  // namespace
}  // namespace rpx::pki
