#include "control/block_guard.h"

#include <catch2/catch.hpp>

using namespace rpx;
using namespace rpx::control;

TEST_CASE("block guard: this machine, trusted proxies and servers are not locked out by accident", "[control]") {
  proxy::SiteOptions options;
  options.listen.push_back({.trusted_proxies = {*IpPrefix::parse("10.0.0.0/8")}});
  options.upstreams.push_back({.name = "app",
                               .servers = {{.url = "http://192.0.2.10:8080"},
                                           {.url = "https://[2001:db8::1]"},
                                           {.url = "http://app.internal"},
                                           {.url = "unix:/a"}}});
  const auto locks_out = [&options](const char* prefix) {
    return lockout(options, {{*IpPrefix::parse("198.51.100.1"), {}, ""}, {*IpPrefix::parse(prefix), {}, ""}});
  };
  CHECK(locks_out("127.0.0.1") ==
        R"(127.0.0.1/32 has addresses of 127.0.0.0/8, this machine: add "force": true to block it all the same)");
  CHECK(locks_out("10.1.2.3").find("a trusted proxy") != std::string::npos);
  CHECK(locks_out("192.0.2.0/24").find("a server") != std::string::npos);
  CHECK(locks_out("2001:db8::/32").find("a server") != std::string::npos);
  CHECK(locks_out("0.0.0.0/0").find("this machine") != std::string::npos);
  CHECK(locks_out("::/0").find("this machine") != std::string::npos);
  CHECK(locks_out("192.0.2.11").empty());
  CHECK(locks_out("2001:db9::/32").empty());
}
