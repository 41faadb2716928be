#include "policy/ip_set.h"

#include <catch2/catch.hpp>
#include <random>

using namespace rpx;
using namespace rpx::policy;

namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

std::vector<IpPrefix> prefixes(std::initializer_list<const char*> texts) {
  std::vector<IpPrefix> out;
  for (const char* text : texts) out.push_back(*IpPrefix::parse(text));
  return out;
}

std::string joined(const std::vector<IpPrefix>& list) {
  std::string out;
  for (const IpPrefix& prefix : list) out += prefix.to_string() + ' ';
  return out;
}

}  // namespace

TEST_CASE("ip set: both ends of a prefix are in it, their neighbours are not", "[policy]") {
  const IpSet set =
      IpSet::build(prefixes({"10.1.0.0/16", "192.0.2.7", "2001:db8::/32", "0.0.0.0/32", "255.255.255.255"}));
  for (const char* in : {"10.1.0.0", "10.1.255.255", "192.0.2.7", "2001:db8::", "2001:db8:ffff::1", "0.0.0.0",
                         "255.255.255.255", "::ffff:10.1.2.3"})
    CHECK(set.contains(ip(in)));
  for (const char* out : {"10.0.255.255", "10.2.0.0", "192.0.2.6", "192.0.2.8",
                          "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "0.0.0.1", "255.255.255.254", "::"})
    CHECK_FALSE(set.contains(ip(out)));
}

TEST_CASE("ip set: a prefix that spans many slots of the index holds what lies in them", "[policy]") {
  const IpSet set = IpSet::build(prefixes({"8.0.0.0/6", "2000::/3"}));
  CHECK(set.contains(ip("11.255.0.1")));
  CHECK_FALSE(set.contains(ip("12.0.0.0")));
  CHECK(set.contains(ip("3fff::1")));
  CHECK_FALSE(set.contains(ip("4000::")));
  CHECK(IpSet::build(prefixes({"0.0.0.0/0"})).contains(ip("203.0.113.1")));
  CHECK(IpSet::build(prefixes({"::/0"})).contains(ip("ff02::1")));
  CHECK_FALSE(IpSet::build({}).contains(ip("203.0.113.1")));
}

TEST_CASE("ip set: neighbours are merged into the fewest prefixes", "[policy]") {
  CHECK(joined(IpSet::build(prefixes({"10.0.1.0/24", "10.0.0.0/24", "10.0.2.0/23", "10.0.0.7"})).prefixes()) ==
        "10.0.0.0/22 ");
  CHECK(joined(IpSet::build(prefixes({"10.0.0.1", "10.0.0.2", "10.0.0.3"})).prefixes()) == "10.0.0.1/32 10.0.0.2/31 ");
  CHECK(joined(IpSet::build(prefixes({"0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"})).prefixes()) ==
        "0.0.0.0/0 ::/0 ");
}

TEST_CASE("ip set: it says the same as looking at every prefix", "[policy]") {
  std::mt19937 random(7);
  std::vector<IpPrefix> list;
  for (int i = 0; i < 500; ++i) {
    const auto bits = static_cast<std::uint8_t>(8 + random() % 25);
    list.push_back(*IpPrefix::parse(IpAddress::v4((10U << 24) | (random() & 0xffffff)).to_string() + "/" +
                                    std::to_string(bits < 14 ? 24 : bits)));
  }
  const IpSet set = IpSet::build(list);
  const IpSet again = IpSet::build(set.prefixes());
  for (int i = 0; i < 2000; ++i) {
    const IpAddress address = IpAddress::v4((10U << 24) | (random() & 0xffffff));
    const bool in = contains(list, address);
    REQUIRE(set.contains(address) == in);
    REQUIRE(again.contains(address) == in);
  }
}
