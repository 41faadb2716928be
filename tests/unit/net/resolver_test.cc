#include "net/resolver.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "base/log.h"

namespace rpx::net {
namespace {

using std::chrono::seconds;

TEST_CASE("resolver: a name of the hosts file gets its addresses", "[net]") {
  Resolver resolver;
  const auto name = resolver.watch("localhost");
  const auto same = resolver.watch("localhost");
  CHECK(name == same);
  resolver.wait_for_first_answers(seconds(5));
  REQUIRE(name->answered());
  std::string error = "not cleared";
  const auto addresses = name->addresses(&error);
  REQUIRE_FALSE(addresses.empty());
  CHECK(std::ranges::all_of(addresses, [](const IpAddress& ip) { return ip.is_loopback(); }));
  CHECK(error.empty());
  CHECK(name->version() == 1);
}

TEST_CASE("resolver: no name that could exist is an error at once", "[net]") {
  set_log_sink([](LogLevel, std::string_view, std::initializer_list<LogField>) {}, LogLevel::kError);
  Resolver resolver;
  const auto name = resolver.watch(std::string(70, 'x') + ".invalid");  // a label has at most 63 bytes
  resolver.wait_for_first_answers(seconds(5));
  REQUIRE(name->answered());
  std::string error;
  CHECK(name->addresses(&error).empty());
  CHECK_FALSE(error.empty());
  CHECK(name->version() == 0);
}

TEST_CASE("resolver: ends while a question is open, and names outlive it", "[net]") {
  std::shared_ptr<Name> name;
  {
    Resolver resolver;
    name = resolver.watch("nonexistent.invalid");
    const auto dropped = resolver.watch("other.invalid");
    resolver.wait_for_first_answers(std::chrono::milliseconds(5));
  }
  CHECK(name->host() == "nonexistent.invalid");
  CHECK(name->addresses().empty());
}

TEST_CASE("resolver: nothing to wait for where no name is watched", "[net]") {
  Resolver resolver;
  resolver.wait_for_first_answers(seconds(5));
}

}  // namespace
}  // namespace rpx::net
