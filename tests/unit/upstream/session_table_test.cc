// Which server has which session: bounds, time, and what outlives the process.
#include "upstream/session_table.h"

#include <catch2/catch.hpp>

#include "balance/random.h"

namespace rpx::upstream {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const Instant kNow = Instant(std::chrono::hours(1000));
const WallTime kWall = WallTime(seconds(1'800'000'000));

TEST_CASE("sessions: are where they were bound to last, until they are idle for too long", "[upstream]") {
  SessionTable table(1000, minutes(30));
  CHECK(table.find(1, kNow) == 0);
  table.bind(1, 11, kNow);
  table.bind(2, 22, kNow);
  CHECK(table.find(1, kNow + minutes(20)) == 11);
  table.bind(2, 33, kNow + minutes(1));
  CHECK(table.find(2, kNow + minutes(2)) == 33);
  // The one was used since, the other was not.
  CHECK(table.find(1, kNow + minutes(45)) == 11);
  CHECK(table.find(2, kNow + minutes(45)) == 0);
  CHECK(table.size() == 1);
}

TEST_CASE("sessions: no more are kept than that, and those used last", "[upstream]") {
  SessionTable table(160, minutes(30));
  for (std::uint64_t n = 1; n <= 10'000; ++n) {
    table.bind(balance::mix(n), n, kNow + seconds(1));
    // This one is used all the time.
    CHECK((n == 1 || table.find(balance::mix(1), kNow + seconds(1)) == 1));
  }
  CHECK(table.size() <= 160);
  CHECK(table.size() > 100);
  CHECK(table.find(balance::mix(10'000), kNow + seconds(2)) == 10'000);
  CHECK(table.find(balance::mix(2), kNow + seconds(2)) == 0);
  table.configure(16, minutes(30));
  for (std::uint64_t n = 1; n <= 200; ++n) table.bind(balance::mix(n), n, kNow + seconds(3));
  CHECK(table.size() <= 16);
}

TEST_CASE("sessions: what was learned outlives the process, with its age", "[upstream]") {
  SessionTable before(1000, minutes(30));
  for (std::uint64_t n = 1; n <= 100; ++n) before.bind(balance::mix(n), n, kNow + seconds(n));
  const Instant then = kNow + minutes(5);
  const std::string text = format_sessions("app", before.sessions(then), then, kWall);
  SessionTable after(1000, minutes(30));
  const Instant start = Instant(seconds(500'000));
  const std::string others = "other 0000000000000001 0000000000000002 1800000000\n";
  restore_sessions(others + text, "app", after, start, kWall + minutes(1));
  CHECK(after.size() == 100);
  for (std::uint64_t n = 1; n <= 100; ++n) CHECK(after.find(balance::mix(n), start) == n);
  SessionTable small(16, minutes(30));
  restore_sessions(text, "app", small, start, kWall);
  CHECK(small.size() <= 16);
  SessionTable late(1000, minutes(4));
  restore_sessions(text, "app", late, start, kWall);
  CHECK(late.sessions(start).size() < 50);
}

TEST_CASE("sessions: lines that nobody could have written are passed over", "[upstream]") {
  SessionTable table(100, minutes(30));
  restore_sessions(
      "app x 1 1800000000\napp 1 y 1800000000\napp 1 1\napp 1 1 z\napp 1 1 1900000000\napp\n\n"
      "app2 1 1 1800000000\napp 7 8 1799999999 9\napp 0000000000000007 08 1799999999\n",
      "app", table, kNow, kWall);
  CHECK(table.size() == 1);
  CHECK(table.find(7, kNow) == 8);
}

}  // namespace
}  // namespace rpx::upstream
