#include "net/proxy_header.h"

#include <catch2/catch.hpp>

#include "net/proxy_protocol.h"

using namespace rpx;
using namespace rpx::net;

namespace {

Address at(const char* ip, std::uint16_t port) {
  Address out;
  out.ip = *IpAddress::parse(ip);
  out.port = port;
  return out;
}

}  // namespace

TEST_CASE("proxy_header: a line has the words of version 1", "[net]") {
  CHECK(make_proxy_header(1, at("192.0.2.1", 4711), at("10.0.0.1", 80)) == "PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n");
  CHECK(make_proxy_header(1, at("2001:db8::1", 1), at("::1", 2)) == "PROXY TCP6 2001:db8::1 ::1 1 2\r\n");
  CHECK(make_proxy_header(1, std::nullopt, {}) == "PROXY UNKNOWN\r\n");
}

TEST_CASE("proxy_header: what is sent is what the receiving half reads", "[net]") {
  for (const std::uint32_t version : {1U, 2U})
    for (const auto& [source, destination] :
         {std::pair(at("192.0.2.1", 4711), at("10.0.0.1", 80)), std::pair(at("2001:db8::1", 65535), at("::1", 443))}) {
      const std::string sent = make_proxy_header(version, source, destination);
      const auto read = parse_proxy_header(sent);
      REQUIRE(read);
      CHECK(read->consumed == sent.size());
      REQUIRE(read->source);
      CHECK(read->source->to_string() == source.to_string());
      CHECK(read->destination->to_string() == destination.to_string());
    }
}

TEST_CASE("proxy_header: of two families the one of IPv4 is mapped", "[net]") {
  CHECK(make_proxy_header(1, at("192.0.2.1", 1), at("::1", 2)) == "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n");
  const auto read = parse_proxy_header(make_proxy_header(2, at("192.0.2.1", 1), at("::1", 2)));
  REQUIRE(read);
  CHECK(read->source->ip == *IpAddress::parse("192.0.2.1"));
}

TEST_CASE("proxy_header: a sender that speaks for nobody says LOCAL", "[net]") {
  const std::string local = make_proxy_header(2, std::nullopt, {});
  const auto read = parse_proxy_header(local);
  REQUIRE(read);
  CHECK(read->consumed == 16);
  CHECK_FALSE(read->source);
}
