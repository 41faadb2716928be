#include "rt/offload.h"

#include <catch2/catch.hpp>

#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "rt/group.h"
#include "support/run.h"

namespace rpx::rt {
namespace {

Task<> note_thread(Offload& offload, Loop& loop, std::vector<std::thread::id>& out) {
  const Result<std::thread::id> ran_on = co_await offload.run(loop, [] { return std::this_thread::get_id(); });
  out.push_back(*ran_on);
  out.push_back(std::this_thread::get_id());
}

// Waits on a thread of the pool until it is let go.
Task<> hold(Offload& offload, Loop& loop, std::shared_future<void> until, std::promise<void>& begun, int& ended) {
  const Status done = co_await offload.run(loop, [until, &begun] {
    begun.set_value();
    until.wait();
  });
  ended += done ? 1 : 100;
}

Task<> count(Offload& offload, Loop& loop, std::atomic<int>& runs, std::vector<std::string>& out) {
  const Result<int> got = co_await offload.run(loop, [&runs] { return ++runs; });
  out.push_back(got ? std::to_string(*got) : std::string(facts_of(got.error().kind).name));
}

TEST_CASE("offload: work runs on another thread, and its result is read on the loop's own", "[rt]") {
  Loop loop;
  Offload offload(2, 8);
  std::vector<std::thread::id> out;
  test::run(loop, note_thread(offload, loop, out));
  REQUIRE(out.size() == 2);
  CHECK(out[0] != std::this_thread::get_id());
  CHECK(out[1] == std::this_thread::get_id());
}

Task<Result<std::string>> fail(Offload& offload, Loop& loop) {
  co_return co_await offload.run(loop,
                                 []() -> Result<std::string> { return self_error(ErrorKind::kIo, "no such file"); });
}
Task<Status> throws(Offload& offload, Loop& loop) {
  co_return co_await offload.run(loop, [] { throw std::runtime_error("broken"); });
}

TEST_CASE("offload: an error of the work is the outcome, and what it throws is thrown to who waits", "[rt]") {
  Loop loop;
  Offload offload(1, 8);
  const Result<std::string> failed = test::run(loop, fail(offload, loop));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().detail == "no such file");
  CHECK_THROWS_WITH(test::run(loop, throws(offload, loop)), "broken");
}

TEST_CASE("offload: what is over the bound is refused at once, and what waits runs later", "[rt]") {
  Loop loop;
  Offload offload(1, 2);
  TaskGroup tasks(loop);
  std::promise<void> gate;
  std::promise<void> begun;
  int ended = 0;
  tasks.spawn(hold(offload, loop, gate.get_future().share(), begun, ended));
  begun.get_future().wait();
  std::atomic<int> runs{0};
  std::vector<std::string> out;
  for (int i = 0; i < 3; ++i) tasks.spawn(count(offload, loop, runs, out));
  CHECK(out == std::vector<std::string>{"overload"});
  gate.set_value();
  REQUIRE(test::run_until(loop, [&] { return tasks.size() == 0; }));
  CHECK(out == std::vector<std::string>{"overload", "1", "2"});
  CHECK(ended == 1);
}

TEST_CASE("offload: who stops waiting is not resumed, work that had not begun is left out and makes room", "[rt]") {
  Loop loop;
  Offload offload(1, 1);
  std::promise<void> gate;
  std::promise<void> begun;
  int ended = 0;
  Task<> first = hold(offload, loop, gate.get_future().share(), begun, ended);
  test::start(first);
  begun.get_future().wait();
  std::atomic<int> runs{0};
  std::vector<std::string> out;
  Task<> second = count(offload, loop, runs, out);
  test::start(second);
  CHECK(offload.waiting() == 1);
  first.reset();
  second.reset();
  Task<> third = count(offload, loop, runs, out);
  test::start(third);
  gate.set_value();
  REQUIRE(test::run_until(loop, [&] { return third.done(); }));
  CHECK(out == std::vector<std::string>{"1"});
  CHECK(ended == 0);
}

TEST_CASE("offload: tasks that are cancelled while their work runs or comes back leave nothing behind", "[rt]") {
  Loop loop;
  std::atomic<int> runs{0};
  std::vector<std::string> out;
  {
    Offload offload(3, 64);
    for (int round = 0; round < 50; ++round) {
      TaskGroup tasks(loop);
      for (int i = 0; i < 8; ++i) tasks.spawn(count(offload, loop, runs, out));
      loop.run_once(Duration::zero());
    }
  }
  test::settle(loop);
  CHECK(out.size() <= static_cast<std::size_t>(runs.load()));
}

TEST_CASE("offload: the end waits for work under way, and resumes nobody", "[rt]") {
  Loop loop;
  std::promise<void> gate;
  std::promise<void> begun;
  int ended = 0;
  std::atomic<int> runs{0};
  std::vector<std::string> out;
  TaskGroup tasks(loop);
  {
    Offload offload(1, 8);
    tasks.spawn(hold(offload, loop, gate.get_future().share(), begun, ended));
    begun.get_future().wait();
    tasks.spawn(count(offload, loop, runs, out));
    gate.set_value();
  }
  CHECK(ended == 0);
  CHECK(out.empty());
  tasks.cancel_all();
  test::settle(loop);
  CHECK(ended == 0);
  CHECK(out.empty());
}

}  // namespace
}  // namespace rpx::rt
