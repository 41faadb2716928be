#include "control/gate.h"

#include <catch2/catch.hpp>

using namespace rpx::control;

TEST_CASE("gate: over TCP reading is free, and changing takes the whole token", "[control]") {
  const std::string token = "0123456789abcdef";
  const auto status = [&](std::string_view method, std::string_view shown, const std::string& configured) {
    const auto refused = refuse_over_tcp(method, shown, configured);
    return refused ? refused->status : 200;
  };
  CHECK(status("GET", "", token) == 200);
  CHECK(status("HEAD", "", "") == 200);
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"}) {
    CHECK(status(method, "", token) == 401);
    CHECK(status(method, "", "") == 403);
    CHECK(status(method, "Bearer 0123456789abcdef", "") == 403);
    CHECK(status(method, "Bearer 0123456789abcdef", token) == 200);
    CHECK(status(method, "bearer  0123456789abcdef ", token) == 200);
    for (const char* wrong : {"Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer",
                              "Bearer ", "Basic 0123456789abcdef", "0123456789abcdef"})
      CHECK(status(method, wrong, token) == 401);
  }
  // Who shows a token means it.
  CHECK(status("GET", "Bearer wrong", token) == 401);
}
