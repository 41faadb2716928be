#include "policy/ban.h"

#include <catch2/catch.hpp>

#include "policy/blocklist.h"
#include "support/temp_folder.h"

using namespace rpx;
using namespace rpx::policy;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const Instant kBegin{minutes(100)};
const WallTime kNow{seconds(1'767'225'600)};

IpPrefix client(const char* text) { return client_of(*IpAddress::parse(text)); }

}  // namespace

TEST_CASE("ban: the count-th reply within the window bans, and counting begins anew", "[policy]") {
  BanCounters counters;
  for (int i = 0; i < 4; ++i) CHECK_FALSE(counters.note(client("192.0.2.1"), 5, minutes(1), kBegin + seconds(i)));
  CHECK_FALSE(counters.note(client("192.0.2.2"), 5, minutes(1), kBegin + seconds(5)));
  CHECK(counters.note(client("192.0.2.1"), 5, minutes(1), kBegin + seconds(5)));
  CHECK_FALSE(counters.note(client("192.0.2.1"), 5, minutes(1), kBegin + seconds(6)));
}

TEST_CASE("ban: what came before the window counts less and less", "[policy]") {
  BanCounters counters;
  for (int i = 0; i < 8; ++i) CHECK_FALSE(counters.note(client("192.0.2.1"), 10, minutes(1), kBegin + seconds(59)));
  // Half of the eight are still within the minute that ends now.
  CHECK_FALSE(counters.note(client("192.0.2.1"), 10, minutes(1), kBegin + seconds(90)));
  CHECK_FALSE(counters.note(client("192.0.2.1"), 10, minutes(1), kBegin + minutes(3)));
  for (int i = 0; i < 8; ++i) CHECK_FALSE(counters.note(client("192.0.2.1"), 10, minutes(1), kBegin + minutes(3)));
  CHECK(counters.note(client("192.0.2.1"), 10, minutes(1), kBegin + minutes(3)));
}

TEST_CASE("ban: others by the thousand do not take the counts of those who have many", "[policy]") {
  BanCounters counters;
  for (int i = 0; i < 9; ++i) CHECK_FALSE(counters.note(client("192.0.2.1"), 10, minutes(1), kBegin));
  for (std::uint32_t i = 0; i < 50'000; ++i)
    counters.note(client_of(IpAddress::v4(0x0A000000 + i)), 10, minutes(1), kBegin);
  CHECK(counters.note(client("192.0.2.1"), 10, minutes(1), kBegin));
}

TEST_CASE("ban: a network of IPv6 is one client", "[policy]") {
  CHECK(client("2001:db8:0:1::2").to_string() == "2001:db8:0:1::/64");
  CHECK(client("192.0.2.7").to_string() == "192.0.2.7/32");
}

TEST_CASE("ban: repeaters are banned for twice as long each time, up to the most", "[policy]") {
  BanHistory history;
  const Ban ban{client("192.0.2.1"), minutes(10), minutes(60), "ban: x"};
  WallTime now = kNow;
  for (const int expected : {10, 20, 40, 60, 60}) {
    CHECK(history.next(ban, now) == minutes(expected));
    now += minutes(expected);
  }
  CHECK(history.next({client("192.0.2.2"), minutes(10), minutes(60), ""}, now) == minutes(10));
  CHECK(history.next(ban, now + minutes(121)) == minutes(10));
}

TEST_CASE("ban: without a blocklist it is held in memory, and can be taken back", "[policy]") {
  Blocklist list;
  REQUIRE(list.configure({}, kNow));
  CHECK_FALSE(list.table());
  REQUIRE(list.ban(
      {{client("192.0.2.1"), kNow + minutes(1), "ban: x"}, {client("192.0.2.2"), kNow + minutes(9), "ban: y"}}, kNow));
  REQUIRE(list.table());
  const auto entry = list.table()->find(*IpAddress::parse("192.0.2.1"));
  REQUIRE(entry);
  CHECK(entry->source == "ban");
  CHECK(entry->reason == "ban: x");
  CHECK(*list.refresh(kNow + minutes(2)));
  CHECK_FALSE(list.table()->blocks(*IpAddress::parse("192.0.2.1")));
  const auto edited = list.edit({{}, {client("192.0.2.2"), client("192.0.2.3")}}, kNow + minutes(2));
  REQUIRE(edited);
  CHECK(edited->deleted == 1);
  CHECK(edited->missing == std::vector{client("192.0.2.3")});
  CHECK_FALSE(list.table());
  CHECK_FALSE(list.edit({{{client("192.0.2.4"), {}, ""}}, {}}, kNow));
}

TEST_CASE("ban: with a blocklist it is in the first file, from which bans that are over go", "[policy]") {
  const test::TempFolder folder;
  const std::string path =
      folder.write("blocks", "# ours\n10.0.0.1 until=2025-01-01 by hand\n10.0.0.2 until=2025-01-01 ban: old\n");
  Blocklist list;
  REQUIRE(list.configure({.files = {path}}, kNow));
  REQUIRE(list.ban({{client("192.0.2.1"), kNow + minutes(1), "ban: x"}}, kNow));
  CHECK(list.table()->find(*IpAddress::parse("192.0.2.1"))->source == "ban");
  CHECK(*read_blocklist_file(path) ==
        "# ours\n10.0.0.1 until=2025-01-01 by hand\n192.0.2.1/32 until=2026-01-01T00:01:00Z ban: x\n");
}
