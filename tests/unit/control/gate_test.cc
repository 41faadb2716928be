#include "control/gate.h"

#include <catch2/catch.hpp>

using namespace rpx::control;

namespace {

const std::string kToken = "0123456789abcdef";

int status(const TcpCall& call, const rpx::proxy::AdminOptions& admin) {
  const auto admitted = admit_over_tcp(call, admin);
  return admitted ? 200 : admitted.error().status;
}

}  // namespace

TEST_CASE("gate: over TCP reading is free, and changing takes the whole token", "[control]") {
  const auto asked = [](std::string_view method, std::string_view shown, const std::string& configured) {
    return status({.method = method, .host = "127.0.0.1:9100", .authorization = shown}, {.token = configured});
  };
  CHECK(asked("GET", "", kToken) == 200);
  CHECK(asked("HEAD", "", "") == 200);
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"}) {
    CHECK(asked(method, "", kToken) == 401);
    CHECK(asked(method, "", "") == 403);
    CHECK(asked(method, "Bearer 0123456789abcdef", "") == 403);
    CHECK(asked(method, "Bearer 0123456789abcdef", kToken) == 200);
    CHECK(asked(method, "bearer  0123456789abcdef ", kToken) == 200);
    for (const char* wrong : {"Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer",
                              "Bearer ", "Basic 0123456789abcdef", "0123456789abcdef"})
      CHECK(asked(method, wrong, kToken) == 401);
  }
  // Who shows a token means it.
  CHECK(asked("GET", "Bearer wrong", kToken) == 401);
}

TEST_CASE("gate: over TCP a name that others may let lead here gets nothing without the token", "[control]") {
  const rpx::proxy::AdminOptions admin{.address = "Admin.test:9100", .token = kToken};
  const auto asked = [&](std::string_view host, std::string_view shown = "") {
    return status({.method = "GET", .host = host, .authorization = shown}, admin);
  };
  for (const char* own : {"127.0.0.1", "127.0.0.1:9100", "192.0.2.7:80", "[::1]:9100", "[fd00::1]", "localhost",
                          "LocalHost:9100", "admin.test:9100", "ADMIN.TEST"})
    CHECK(asked(own) == 200);
  for (const char* other : {"", "evil.test", "evil.test:9100", "127.0.0.1.evil.test", "localhost.evil.test",
                            "admin.test.evil.test", "admin.test.", "[evil.test]", "[]", ":9100", "0x7f.1"}) {
    CHECK(asked(other) == 403);
    CHECK(asked(other, "Bearer wrong") == 403);
    CHECK(asked(other, "Bearer " + kToken) == 200);
    CHECK(status({.method = "GET", .host = other, .authorization = ""}, {.address = ":9100"}) == 403);
  }
}

TEST_CASE("gate: collectors of metrics ask by whatever name their network has", "[control]") {
  const auto asked = [](std::string_view method, std::string_view target) {
    return status({.method = method, .target = target, .host = "rpx.monitoring.svc:9100", .authorization = ""},
                  {.address = ":9100", .token = kToken});
  };
  CHECK(asked("GET", "/metrics") == 200);
  CHECK(asked("GET", "/metrics?name=rpx") == 200);
  CHECK(asked("POST", "/metrics") == 401);
  for (const char* other : {"/", "/v1/status", "/metrics/", "/metrics/../v1/status", "//metrics", "/v1/metrics", ""})
    CHECK(asked("GET", other) == 403);
}

TEST_CASE("gate: it says who has shown the token", "[control]") {
  const std::string shown = "Bearer " + kToken;
  CHECK(admit_over_tcp({.method = "GET", .host = "[::1]", .authorization = shown}, {.token = kToken}).value());
  CHECK_FALSE(admit_over_tcp({.method = "GET", .host = "[::1]", .authorization = ""}, {.token = kToken}).value());
  CHECK_FALSE(admit_over_tcp({.method = "GET", .host = "[::1]", .authorization = shown}, {}).value());
}

TEST_CASE("gate: the page is for GET and HEAD", "[control]") {
  CHECK(dashboard("GET").status == 200);
  CHECK(dashboard("HEAD").status == 200);
  for (const char* method : {"POST", "DELETE", "PUT", "OPTIONS"}) {
    CHECK(dashboard(method).status == 405);
    CHECK(dashboard(method).allow == "GET, HEAD");
  }
}
