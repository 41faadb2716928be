#include "rt/pace.h"

#include <catch2/catch.hpp>

namespace rpx::rt {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kWindow{2};

struct Traffic {
  // A window of it: `exchanges` that took `took` each, two events of each, one event a round.
  void pass(int exchanges, Duration took) {
    const Instant begun = now;
    for (int event = 0; event < 2 * exchanges; ++event) {
      if (event % 2 == 1) pace.count_exchange(took);
      now = begun + kWindow * event / (2 * exchanges);
      pace.count_round(1, now);
    }
    rest(0, begun + kWindow - now);
  }
  void rest(int events, Duration span) { pace.count_round(events, now += span); }

  Instant now{seconds(1000)};
  Pace pace{now};
};

TEST_CASE("pace: without traffic, and with too little of it, each event wakes the loop", "[rt]") {
  Traffic traffic;
  CHECK(traffic.pace.pause() == Duration::zero());
  traffic.rest(0, seconds(5));
  CHECK(traffic.pace.pause() == Duration::zero());
  // Of these a pause would gather two or three events.
  traffic.pass(8, microseconds(2500));
  CHECK(traffic.pace.pause() == Duration::zero());
}

TEST_CASE("pace: where many exchanges go on at once, events gather for an eighth of what they take", "[rt]") {
  Traffic traffic;
  traffic.pass(100, microseconds(1600));
  CHECK(traffic.pace.pause() >= microseconds(199));
  CHECK(traffic.pace.pause() <= microseconds(200));
}

TEST_CASE("pace: never for longer than half a millisecond", "[rt]") {
  Traffic traffic;
  traffic.pass(100, seconds(30));
  CHECK(traffic.pace.pause() == microseconds(500));
}

TEST_CASE("pace: one client after the other is not kept waiting, however fast they are", "[rt]") {
  Traffic traffic;
  // 50,000 a second, of 20 microseconds: one at a time.
  traffic.pass(100, microseconds(20));
  CHECK(traffic.pace.pause() == Duration::zero());
}

TEST_CASE("pace: quick exchanges among slow ones are not kept waiting", "[rt]") {
  Traffic traffic;
  for (int i = 0; i < 40; ++i) traffic.pace.count_exchange(microseconds(50));
  traffic.pass(60, milliseconds(20));
  CHECK(traffic.pace.pause() == Duration::zero());
}

TEST_CASE("pace: an exchange that took no time that the clock shows is the quickest of all", "[rt]") {
  Traffic traffic;
  for (int i = 0; i < 5; ++i) traffic.pace.count_exchange(Duration::zero());
  traffic.pass(95, milliseconds(20));
  CHECK(traffic.pace.pause() == Duration::zero());
}

TEST_CASE("pace: when the traffic ends so does the pause", "[rt]") {
  Traffic traffic;
  traffic.pass(100, milliseconds(5));
  REQUIRE(traffic.pace.pause() > Duration::zero());
  traffic.rest(1, milliseconds(20));
  CHECK(traffic.pace.pause() == Duration::zero());
}

}  // namespace
}  // namespace rpx::rt
