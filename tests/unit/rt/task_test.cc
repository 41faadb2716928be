#include "rt/task.h"

#include <catch2/catch.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "rt/loop.h"
#include "support/run.h"

namespace rpx::rt {
namespace {

using Trace = std::vector<std::string>;

// Writes down its end.
struct Mark {
  Trace& trace;
  std::string name;
  Mark(Trace& to, std::string called) : trace(to), name(std::move(called)) {}
  Mark(const Mark&) = delete;
  ~Mark() { trace.push_back("end " + name); }
};

// Suspends for good.
struct Never {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const noexcept {}
};

Task<int> leaf(Trace& trace) {
  const Mark mark(trace, "leaf");
  trace.emplace_back("leaf");
  co_await Never{};
  co_return 1;
}

Task<int> nested(Trace& trace, int depth) {
  const Mark mark(trace, std::to_string(depth));
  const int below = depth == 0 ? co_await leaf(trace) : co_await nested(trace, depth - 1);
  co_return below + 1;
}

Task<int> value_of(int value) { co_return value; }

Task<long> sum(int count) {
  long total = 0;
  for (int i = 0; i < count; ++i) total += co_await value_of(1);
  co_return total;
}

Task<int> failing() {
  throw std::runtime_error("broken");
  co_return 0;
}

Task<std::string> catching() {
  try {
    co_await failing();
  } catch (const std::runtime_error& failure) {
    co_return failure.what();
  }
  co_return "nothing was thrown";
}

Task<int> passing_on() { co_return co_await failing() + 1; }

Task<std::unique_ptr<int>> owned() { co_return std::make_unique<int>(7); }

Task<> moved_through(std::unique_ptr<int>& out) { out = co_await owned(); }

TEST_CASE("task: nothing runs before it is awaited or started", "[rt]") {
  Trace trace;
  {
    Task<int> task = leaf(trace);
    CHECK(trace.empty());
    CHECK_FALSE(task.done());
  }
  CHECK(trace.empty());
}

TEST_CASE("task: destroying it ends every suspended frame below, the innermost first", "[rt]") {
  Trace trace;
  Task<int> task = nested(trace, 2);
  test::start(task);
  REQUIRE(trace == Trace{"leaf"});
  task.reset();
  CHECK(trace == Trace{"leaf", "end leaf", "end 0", "end 1", "end 2"});
  CHECK_FALSE(task);
}

TEST_CASE("task: assigning over one that is suspended destroys it", "[rt]") {
  Trace trace;
  Task<int> task = leaf(trace);
  test::start(task);
  task = value_of(3);
  CHECK(trace == Trace{"leaf", "end leaf"});
  test::start(task);
  REQUIRE(task.done());
  CHECK(task.take() == 3);
}

TEST_CASE("task: an exception comes out where the task is awaited, or taken", "[rt]") {
  Task<std::string> caught = catching();
  test::start(caught);
  REQUIRE(caught.done());
  CHECK(caught.take() == "broken");

  Task<int> through = passing_on();
  test::start(through);
  REQUIRE(through.done());
  CHECK_THROWS_AS(through.take(), std::runtime_error);
}

TEST_CASE("task: results that can only be moved", "[rt]") {
  std::unique_ptr<int> out;
  Task<> task = moved_through(out);
  test::start(task);
  REQUIRE(out);
  CHECK(*out == 7);
}

TEST_CASE("task: awaits that end at once do not use up the stack", "[rt]") {
  constexpr int kMany = 1'000'000;
  Task<long> task = sum(kMany);
  test::start(task);
  REQUIRE(task.done());
  CHECK(task.take() == kMany);
}

}  // namespace
}  // namespace rpx::rt
