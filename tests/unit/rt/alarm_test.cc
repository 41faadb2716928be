#include "rt/alarm.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "rt/group.h"
#include "rt/loop.h"

namespace rpx::rt {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Task<void> sleep_and_note(Alarm& alarm, Instant at, char name, std::string& order, bool& early) {
  co_await alarm.sleep_until(at);
  early = early || Clock::now() < at;
  order += name;
}

void run_out(Loop& loop, TaskGroup& tasks) {
  for (int round = 0; round < 1000 && tasks.size() != 0; ++round) loop.run_once(milliseconds(100));
}

}  // namespace

TEST_CASE("alarm: sleepers wake in the order of their times, never early", "[rt]") {
  Loop loop;
  Alarm alarm(loop);
  TaskGroup tasks(loop);
  std::string order;
  bool early = false;
  const Instant begin = Clock::now();
  tasks.spawn(sleep_and_note(alarm, begin + milliseconds(9), 'd', order, early));
  tasks.spawn(sleep_and_note(alarm, begin + milliseconds(3), 'b', order, early));
  tasks.spawn(sleep_and_note(alarm, begin + milliseconds(6), 'c', order, early));
  tasks.spawn(sleep_and_note(alarm, begin, 'a', order, early));
  run_out(loop, tasks);
  CHECK(order == "abcd");
  CHECK_FALSE(early);
}

TEST_CASE("alarm: who is gone is not woken, and the others are", "[rt]") {
  Loop loop;
  Alarm alarm(loop);
  std::string order;
  bool early = false;
  TaskGroup kept(loop);
  auto gone = std::make_unique<TaskGroup>(loop);
  gone->spawn(sleep_and_note(alarm, Clock::now() + milliseconds(2), 'x', order, early));
  kept.spawn(sleep_and_note(alarm, Clock::now() + milliseconds(4), 'a', order, early));
  gone.reset();
  run_out(loop, kept);
  CHECK(order == "a");
}

TEST_CASE("alarm: one that wakes may sleep again", "[rt]") {
  Loop loop;
  Alarm alarm(loop);
  TaskGroup tasks(loop);
  int times = 0;
  tasks.spawn([](Alarm& by, int& count) -> Task<void> {
    for (; count < 5; ++count) co_await by.sleep_until(Clock::now() + milliseconds(1));
  }(alarm, times));
  run_out(loop, tasks);
  CHECK(times == 5);
}

}  // namespace rpx::rt
