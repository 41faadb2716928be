#include "rt/timer.h"

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace rpx::rt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = Instant(seconds(1000));

struct Alarm final : Timer {
  std::function<void()> act;
  int fired = 0;
  void fire() override {
    ++fired;
    if (act) act();
  }
};

TEST_CASE("timer: never early, and at most a tick late", "[rt]") {
  std::mt19937 random(1);
  TimerWheel wheel(kStart);
  struct Case {
    Alarm alarm;
    Instant due;
    Instant fired{};
  };
  std::vector<std::unique_ptr<Case>> cases;
  Instant now = kStart;
  // Up to four times the wheel's horizon, in microseconds, so that deadlines fall between its milliseconds.
  for (int i = 0; i < 500; ++i) {
    auto one = std::make_unique<Case>();
    one->due = kStart + std::chrono::microseconds(random() % 64'000'000);
    one->alarm.act = [it = one.get(), &now] { it->fired = now; };
    wheel.arm(one->alarm, one->due);
    cases.push_back(std::move(one));
  }
  constexpr milliseconds kStep{5};
  while (now < kStart + seconds(65)) {
    now += kStep;
    wheel.advance(now);
  }
  for (const auto& one : cases) {
    REQUIRE(one->alarm.fired == 1);
    CHECK(one->fired >= one->due);
    CHECK(one->fired - one->due <= milliseconds(TimerWheel::kTickMs + 1) + kStep);
  }
}

TEST_CASE("timer: after a long sleep all that is due fires and nothing else", "[rt]") {
  TimerWheel wheel(kStart);
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int s = 1; s <= 120; ++s) {
    alarms.push_back(std::make_unique<Alarm>());
    wheel.arm(*alarms.back(), kStart + seconds(s));
  }
  wheel.advance(kStart + seconds(60) + milliseconds(100));
  for (int s = 1; s <= 120; ++s) CHECK(alarms[static_cast<std::size_t>(s - 1)]->fired == (s <= 60 ? 1 : 0));
  Instant now = kStart + seconds(60) + milliseconds(100);
  while (now < kStart + seconds(121)) wheel.advance(now += milliseconds(40));
  for (const auto& alarm : alarms) CHECK(alarm->fired == 1);
}

TEST_CASE("timer: armed again, it fires once, at the later or the earlier instant", "[rt]") {
  TimerWheel wheel(kStart);
  Alarm later;
  Alarm earlier;
  wheel.arm(later, kStart + milliseconds(50));
  wheel.arm(later, kStart + milliseconds(500));
  wheel.arm(earlier, kStart + milliseconds(500));
  wheel.arm(earlier, kStart + milliseconds(50));
  wheel.advance(kStart + milliseconds(100));
  CHECK(later.fired == 0);
  CHECK(earlier.fired == 1);
  wheel.advance(kStart + milliseconds(600));
  CHECK(later.fired == 1);
  CHECK(earlier.fired == 1);
  CHECK_FALSE(later.armed());
}

TEST_CASE("timer: what is disarmed or destroyed does not fire", "[rt]") {
  TimerWheel wheel(kStart);
  Alarm kept;
  {
    Alarm gone;
    wheel.arm(gone, kStart + milliseconds(20));
    wheel.arm(kept, kStart + milliseconds(20));
  }
  kept.disarm();
  kept.disarm();
  wheel.advance(kStart + seconds(1));
  CHECK(kept.fired == 0);
  CHECK_FALSE(wheel.until_next(kStart + seconds(1)));
}

TEST_CASE("timer: while one fires, others may be armed, disarmed and destroyed", "[rt]") {
  const Instant due = kStart + milliseconds(20);
  TimerWheel wheel(kStart);
  Alarm first;
  Alarm disarmed;
  auto destroyed = std::make_unique<Alarm>();
  Alarm moved;
  Alarm fresh;
  Alarm again;
  first.act = [&] {
    disarmed.disarm();
    destroyed.reset();
    wheel.arm(moved, kStart + seconds(2));
    wheel.arm(fresh, kStart);
  };
  again.act = [&] {
    if (again.fired < 3) wheel.arm(again, due);
  };
  wheel.arm(first, due);
  wheel.arm(disarmed, due);
  wheel.arm(*destroyed, due);
  wheel.arm(moved, due);
  wheel.arm(again, due);
  wheel.advance(kStart + seconds(1));
  CHECK(first.fired == 1);
  CHECK(disarmed.fired == 0);
  CHECK(moved.fired == 0);
  CHECK(fresh.fired == 1);
  CHECK(again.fired == 3);
  wheel.advance(kStart + seconds(3));
  CHECK(moved.fired == 1);
}

TEST_CASE("timer: until_next is when to look again", "[rt]") {
  TimerWheel wheel(kStart);
  CHECK_FALSE(wheel.until_next(kStart));
  for (const Duration span : {Duration(milliseconds(1)), Duration(milliseconds(8)), Duration(milliseconds(777)),
                              Duration(seconds(15)), Duration(seconds(40))}) {
    TimerWheel fresh(kStart);
    Alarm alarm;
    fresh.arm(alarm, kStart + span);
    Instant now = kStart;
    int looks = 0;
    while (!alarm.fired && ++looks < 10) {
      const auto wait = fresh.until_next(now);
      REQUIRE(wait);
      REQUIRE(*wait >= Duration::zero());
      now += *wait;
      fresh.advance(now);
    }
    CHECK(alarm.fired == 1);
    CHECK(now >= kStart + span);
    CHECK(now <= kStart + span + milliseconds(TimerWheel::kTickMs + 1));
    CHECK(looks <= 4);
    CHECK_FALSE(fresh.until_next(now));
  }
}

TEST_CASE("timer: a deadline in the past fires with the next tick", "[rt]") {
  TimerWheel wheel(kStart);
  wheel.advance(kStart + seconds(30));
  Alarm alarm;
  wheel.arm(alarm, kStart - seconds(5));
  CHECK(alarm.fired == 0);
  wheel.advance(kStart + seconds(30) + milliseconds(2 * TimerWheel::kTickMs));
  CHECK(alarm.fired == 1);
}

}  // namespace
}  // namespace rpx::rt
