#include "rt/pace.h"

#include <catch2/catch.hpp>

namespace rpx::rt {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = Instant(seconds(1000));
constexpr milliseconds kWindow{2};

// A window of traffic: `exchanges` that took `took` each, two events of each, one event a round.
void pass(Pace& pace, Instant& now, int exchanges, Duration took) {
  const Instant begun = now;
  for (int event = 0; event < 2 * exchanges; ++event) {
    if (event % 2 == 1) pace.count_exchange(took);
    now = begun + kWindow * event / (2 * exchanges);
    pace.count_round(1, now);
  }
  now = begun + kWindow;
  pace.count_round(0, now);
}

TEST_CASE("pace: without traffic, and with too little of it, each event wakes the loop", "[rt]") {
  Instant now = kStart;
  Pace pace(now);
  CHECK(pace.pause() == Duration::zero());
  pace.count_round(0, now += seconds(5));
  CHECK(pace.pause() == Duration::zero());
  // Of these a pause would gather two or three events.
  pass(pace, now, 8, microseconds(2500));
  CHECK(pace.pause() == Duration::zero());
}

TEST_CASE("pace: where many exchanges go on at once, events gather for an eighth of what they take", "[rt]") {
  Instant now = kStart;
  Pace pace(now);
  pass(pace, now, 100, microseconds(1600));
  CHECK(pace.pause() >= microseconds(199));
  CHECK(pace.pause() <= microseconds(200));
}

TEST_CASE("pace: never for longer than half a millisecond", "[rt]") {
  Instant now = kStart;
  Pace pace(now);
  pass(pace, now, 100, seconds(30));
  CHECK(pace.pause() == microseconds(500));
}

TEST_CASE("pace: one client after the other is not kept waiting, however fast they are", "[rt]") {
  Instant now = kStart;
  Pace pace(now);
  // 50,000 a second, of 20 microseconds: one at a time.
  pass(pace, now, 100, microseconds(20));
  CHECK(pace.pause() == Duration::zero());
}

TEST_CASE("pace: quick exchanges among slow ones are not kept waiting", "[rt]") {
  Instant now = kStart;
  Pace pace(now);
  for (int i = 0; i < 40; ++i) pace.count_exchange(microseconds(50));
  pass(pace, now, 60, milliseconds(20));
  CHECK(pace.pause() == Duration::zero());
}

TEST_CASE("pace: an exchange that took no time that the clock shows is the quickest of all", "[rt]") {
  Instant now = kStart;
  Pace pace(now);
  for (int i = 0; i < 5; ++i) pace.count_exchange(Duration::zero());
  pass(pace, now, 95, milliseconds(20));
  CHECK(pace.pause() == Duration::zero());
}

TEST_CASE("pace: when the traffic ends so does the pause", "[rt]") {
  Instant now = kStart;
  Pace pace(now);
  pass(pace, now, 100, milliseconds(5));
  REQUIRE(pace.pause() > Duration::zero());
  pace.count_round(1, now += milliseconds(20));
  CHECK(pace.pause() == Duration::zero());
}

}  // namespace
}  // namespace rpx::rt
