#include "base/ip.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <catch2/catch.hpp>

using rpx::Address;
using rpx::IpAddress;
using rpx::IpPrefix;
using namespace std::string_view_literals;

namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

}  // namespace

TEST_CASE("ip: addresses come back as RFC 5952 writes them", "[base][rfc5952]") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"1.2.3.4", "1.2.3.4"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::1", "::1"},
      {"::", "::"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"fe80::1:2:3:4", "fe80::1:2:3:4"},
      {"::ffff:10.0.0.1", "10.0.0.1"},
      {"::ffff:a00:1", "10.0.0.1"},
  };
  for (const auto& [text, expected] : rows) {
    INFO(text);
    CHECK(ip(text).to_string() == expected);
  }
}

TEST_CASE("ip: what is not exactly an address is refused", "[base]") {
  for (const std::string_view bad : {""sv,
                                     "1.2.3"sv,
                                     "1.2.3.4.5"sv,
                                     "1.2.3.256"sv,
                                     "01.2.3.4"sv,
                                     "1.2.3.4 "sv,
                                     " 1.2.3.4"sv,
                                     "1.2.3.4\0"sv,
                                     "1.2.3.4\0x"sv,
                                     "0x1.2.3.4"sv,
                                     "[::1]"sv,
                                     "::1%eth0"sv,
                                     ":::"sv,
                                     "1::2::3"sv,
                                     "12345::"sv,
                                     "1.2.3.4:80"sv,
                                     "1:2:3:4:5:6:7"sv,
                                     "g::1"sv,
                                     "localhost"sv,
                                     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:"sv}) {
    INFO(bad);
    CHECK_FALSE(IpAddress::parse(bad).has_value());
  }
}

TEST_CASE("ip: loopback is 127/8 and ::1", "[base]") {
  for (const std::string_view text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"})
    CHECK(ip(text).is_loopback());
  for (const std::string_view text : {"126.0.0.1", "::", "::2", "1::1", "0.0.0.1"}) CHECK_FALSE(ip(text).is_loopback());
}

TEST_CASE("ip: prefixes clear host bits and hold what they should", "[base]") {
  CHECK(prefix("10.1.2.3/8").to_string() == "10.0.0.0/8");
  CHECK(prefix("10.1.2.3").to_string() == "10.1.2.3/32");
  CHECK(prefix("fd12:3456::/7").to_string() == "fc00::/7");
  CHECK(prefix("::1").to_string() == "::1/128");
  CHECK(prefix("::ffff:10.1.2.3/104").to_string() == "10.0.0.0/8");

  CHECK(prefix("10.0.0.0/8").contains(ip("10.255.0.1")));
  CHECK_FALSE(prefix("10.0.0.0/8").contains(ip("11.0.0.0")));
  CHECK(prefix("192.168.128.0/17").contains(ip("192.168.200.1")));
  CHECK_FALSE(prefix("192.168.128.0/17").contains(ip("192.168.127.255")));
  CHECK(prefix("0.0.0.0/0").contains(ip("255.1.2.3")));
  CHECK_FALSE(prefix("0.0.0.0/0").contains(ip("::1")));
  CHECK_FALSE(prefix("::/0").contains(ip("1.2.3.4")));
  CHECK(prefix("2001:db8::/33").contains(ip("2001:db8:7fff::1")));
  CHECK_FALSE(prefix("2001:db8::/33").contains(ip("2001:db8:8000::1")));
}

TEST_CASE("ip: malformed prefixes are refused", "[base]") {
  for (const std::string_view bad : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/08", "10.0.0.0/-1",
                                     "10.0.0.0/8/8", "10.0.0/8", "10.0.0.0/256", "::ffff:10.0.0.0/95", "10.0.0.0/ 8"}) {
    INFO(bad);
    CHECK_FALSE(IpPrefix::parse(bad).has_value());
  }
}

TEST_CASE("ip: a list of prefixes holds what any of them does", "[base]") {
  const std::vector<IpPrefix> list{prefix("10.0.0.0/8"), prefix("::1")};
  CHECK(rpx::contains(list, ip("10.1.1.1")));
  CHECK(rpx::contains(list, ip("::1")));
  CHECK_FALSE(rpx::contains(list, ip("9.1.1.1")));
  CHECK_FALSE(rpx::contains({}, ip("9.1.1.1")));
}

TEST_CASE("ip: socket addresses come back as they went", "[base]") {
  for (const std::string_view text : {"1.2.3.4", "::1", "2001:db8::5"}) {
    const Address address{ip(text), 8080, ""};
    sockaddr_storage raw;
    const socklen_t length = address.to_sockaddr(raw);
    CHECK(Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), length) == address);
  }
  for (const std::string_view path : {"run/app.sock", "/tmp/a", "@abstract"}) {
    const Address address{{}, 0, std::string(path)};
    sockaddr_storage raw;
    const socklen_t length = address.to_sockaddr(raw);
    CHECK(length > 0);
    CHECK(Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), length) == address);
  }
}

TEST_CASE("ip: a Unix path that does not fit has no socket address", "[base]") {
  sockaddr_storage raw;
  CHECK(Address{{}, 0, std::string(107, 'a')}.to_sockaddr(raw) > 0);
  CHECK(Address{{}, 0, std::string(108, 'a')}.to_sockaddr(raw) == 0);
}

TEST_CASE("ip: the nameless peer of a Unix socket is a Unix peer", "[base]") {
  sockaddr_un raw{};
  raw.sun_family = AF_UNIX;
  CHECK(Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&raw), sizeof(sa_family_t)).is_unix());
}

TEST_CASE("ip: addresses print with their port", "[base]") {
  CHECK(Address{ip("1.2.3.4"), 80, ""}.to_string() == "1.2.3.4:80");
  CHECK(Address{ip("::1"), 443, ""}.to_string() == "[::1]:443");
  CHECK(Address{{}, 0, "run/app.sock"}.to_string() == "unix:run/app.sock");
}
