#include "rt/event.h"

#include <catch2/catch.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/log.h"
#include "rt/child.h"
#include "rt/group.h"
#include "support/run.h"

namespace rpx::rt {
namespace {

using std::chrono::milliseconds;

Task<> wait_for(Event& event, int name, std::vector<int>& out, Instant deadline = Instant::max()) {
  const bool notified = co_await event.wait(deadline);
  out.push_back(notified ? name : -name);
}

TEST_CASE("event: all waiters wake in their order, never inside the call", "[rt]") {
  Loop loop;
  Event event(loop);
  TaskGroup tasks(loop);
  std::vector<int> out;
  for (int i = 1; i <= 3; ++i) tasks.spawn(wait_for(event, i, out));
  CHECK(event.has_waiters());
  event.notify_one();
  CHECK(out.empty());
  test::settle(loop);
  CHECK(out == std::vector{1});
  event.notify_all();
  test::settle(loop);
  CHECK(out == std::vector{1, 2, 3});
  event.notify_all();
  event.notify_one();
  CHECK_FALSE(event.has_waiters());
}

TEST_CASE("event: a wait ends at its deadline, and not again", "[rt]") {
  Loop loop;
  Event event(loop);
  TaskGroup tasks(loop);
  std::vector<int> out;
  tasks.spawn(wait_for(event, 1, out, loop.now() + milliseconds(1)));
  REQUIRE(test::run_until(loop, [&] { return !out.empty(); }));
  event.notify_all();
  test::settle(loop);
  CHECK(out == std::vector{-1});
}

TEST_CASE("event: a waiter destroyed before or after it was notified does not run", "[rt]") {
  Loop loop;
  Event event(loop);
  std::vector<int> out;
  Task<> first = wait_for(event, 1, out);
  Task<> second = wait_for(event, 2, out, loop.now() + milliseconds(1));
  Task<> third = wait_for(event, 3, out);
  for (Task<>* task : {&first, &second, &third}) test::start(*task);
  second.reset();
  event.notify_all();
  first.reset();
  test::settle(loop);
  CHECK(out == std::vector{3});
}

struct Destroyed {
  int& count;
  explicit Destroyed(int& counter) : count(counter) {}
  Destroyed(const Destroyed&) = delete;
  ~Destroyed() { ++count; }
};

Task<> suspended(Event& event, int& ended) {
  const Destroyed mark(ended);
  co_await event.wait();
}

Task<> throwing(Loop& loop) {
  co_await loop.yield();
  throw std::runtime_error("no luck");
}

std::string logged;

TEST_CASE("group: tasks end by themselves or with the group", "[rt]") {
  Loop loop;
  Event event(loop);
  int ended = 0;
  std::vector<int> emptied;
  TaskGroup watchers(loop);
  {
    TaskGroup tasks(loop);
    watchers.spawn(wait_for(tasks.empty(), 1, emptied));
    for (int i = 0; i < 5; ++i) tasks.spawn(suspended(event, ended));
    CHECK(tasks.size() == 5);
    event.notify_one();
    test::settle(loop);
    CHECK(tasks.size() == 4);
    CHECK(emptied.empty());
    event.notify_all();
    test::settle(loop);
    CHECK(tasks.size() == 0);
    CHECK(ended == 5);
    CHECK(emptied == std::vector{1});
    tasks.spawn(suspended(event, ended));
    tasks.cancel_all();
    CHECK(ended == 6);
    tasks.spawn(suspended(event, ended));
  }
  CHECK(ended == 7);
  CHECK_FALSE(event.has_waiters());
}

TEST_CASE("group: an exception ends its task alone, and is logged", "[rt]") {
  Loop loop;
  Event event(loop);
  int ended = 0;
  logged.clear();
  set_log_sink([](LogLevel, std::string_view message,
                  std::initializer_list<LogField> fields) { append_key_values(logged, message, fields); },
               LogLevel::kError);
  TaskGroup tasks(loop);
  tasks.spawn(suspended(event, ended));
  tasks.spawn(throwing(loop));
  test::settle(loop);
  set_log_sink([](LogLevel, std::string_view, std::initializer_list<LogField>) {}, LogLevel::kError);
  CHECK(tasks.size() == 1);
  CHECK(logged.find("no luck") != std::string::npos);
}

Task<int> answer_after(Event& event, int value, int& ended) {
  const Destroyed mark(ended);
  co_await event.wait();
  co_return value;
}

struct Note final : Soon {
  int runs = 0;
  void run() override { ++runs; }
};

Task<> wait_for_child(Child<int>& child, Instant deadline, std::optional<bool>& out) {
  out = co_await child.wait(deadline);
}

TEST_CASE("child: runs beside its owner and tells of its end", "[rt]") {
  Loop loop;
  Event event(loop);
  int ended = 0;
  Note note;
  Child<int> child(loop);
  CHECK_FALSE(child.started());
  child.start(answer_after(event, 5, ended), &note);
  CHECK(child.started());
  CHECK_FALSE(child.done());
  std::optional<bool> waited;
  Task<> waiting = wait_for_child(child, Instant::max(), waited);
  test::start(waiting);
  event.notify_all();
  test::settle(loop);
  REQUIRE(child.done());
  CHECK(child.result() == 5);
  CHECK(waited == true);
  CHECK(note.runs == 1);
  CHECK(ended == 1);
}

TEST_CASE("child: a wait for it may time out", "[rt]") {
  Loop loop;
  Event event(loop);
  int ended = 0;
  Child<int> child(loop);
  child.start(answer_after(event, 5, ended));
  std::optional<bool> waited;
  Task<> waiting = wait_for_child(child, loop.now() + milliseconds(1), waited);
  test::start(waiting);
  REQUIRE(test::run_until(loop, [&] { return waited.has_value(); }));
  CHECK(waited == false);
  CHECK_FALSE(child.done());
}

TEST_CASE("child: cancelling, starting again and destroying end the task that runs", "[rt]") {
  Loop loop;
  Event event(loop);
  int ended = 0;
  Note note;
  {
    Child<int> child(loop);
    child.start(answer_after(event, 1, ended), &note);
    child.cancel();
    CHECK(ended == 1);
    CHECK_FALSE(child.started());
    child.start(answer_after(event, 2, ended), &note);
    child.start(answer_after(event, 3, ended), &note);
    CHECK(ended == 2);
    event.notify_all();
    test::settle(loop);
    REQUIRE(child.done());
    CHECK(child.result() == 3);
    CHECK(note.runs == 1);
    child.start(answer_after(event, 4, ended), &note);
    CHECK_FALSE(child.done());
  }
  CHECK(ended == 4);
  CHECK_FALSE(event.has_waiters());
}

}  // namespace
}  // namespace rpx::rt
