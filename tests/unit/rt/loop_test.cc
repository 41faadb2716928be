#include "rt/loop.h"

#include <catch2/catch.hpp>

#include <memory>
#include <thread>
#include <vector>

#include "rt/group.h"
#include "support/run.h"
#include "support/streams.h"

namespace rpx::rt {
namespace {

using std::chrono::milliseconds;

Task<> steps(Loop& loop, std::vector<int>& out, int name) {
  for (int i = 0; i < 3; ++i) {
    out.push_back(name * 10 + i);
    co_await loop.yield();
  }
}

Task<> note_wake(Pollable& io, bool to_read, Instant deadline, std::vector<Wake>& out) {
  out.push_back(to_read ? co_await io.readable(deadline) : co_await io.writable(deadline));
}

struct Once final : Soon {
  int runs = 0;
  void run() override { ++runs; }
};

TEST_CASE("loop: calls posted by other threads run on its own, in their order", "[rt]") {
  Loop loop;
  std::vector<int> out;
  std::thread::id ran_on;
  std::thread poster([&] {
    for (int i = 0; i < 100; ++i)
      loop.post([&, i] {
        out.push_back(i);
        ran_on = std::this_thread::get_id();
      });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  poster.join();
  REQUIRE(out.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(out[static_cast<std::size_t>(i)] == i);
  CHECK(ran_on == std::this_thread::get_id());
}

TEST_CASE("loop: a yield lets the others go first", "[rt]") {
  Loop loop;
  std::vector<int> out;
  TaskGroup tasks(loop);
  tasks.spawn(steps(loop, out, 1));
  tasks.spawn(steps(loop, out, 2));
  REQUIRE(test::run_until(loop, [&] { return tasks.size() == 0; }));
  CHECK(out == std::vector<int>{10, 20, 11, 21, 12, 22});
}

TEST_CASE("loop: what is queued to run soon runs once, and not after its end", "[rt]") {
  Loop loop;
  Once twice_queued;
  auto gone = std::make_unique<Once>();
  Once dequeued;
  loop.soon(twice_queued);
  loop.soon(twice_queued);
  loop.soon(*gone);
  loop.soon(dequeued);
  gone.reset();
  dequeued.dequeue();
  test::settle(loop);
  CHECK(twice_queued.runs == 1);
  CHECK(dequeued.runs == 0);
  CHECK_FALSE(twice_queued.queued());
}

TEST_CASE("loop: a wait ends by readiness, by its deadline, or by an interrupt", "[rt]") {
  Loop loop;
  auto pair = test::stream_pair(loop);
  Pollable& io = pair.near->io();
  std::vector<Wake> out;
  TaskGroup tasks(loop);
  SECTION("readiness") {
    io.cleared_read();
    tasks.spawn(note_wake(io, true, Instant::max(), out));
    test::settle(loop);
    REQUIRE(out.empty());
    test::send_now(pair.far->fd(), "x");
    REQUIRE(test::run_until(loop, [&] { return !out.empty(); }));
    CHECK(out == std::vector{Wake::kReady});
    CHECK(io.may_read());
  }
  SECTION("a flag that is set needs no wait") {
    tasks.spawn(note_wake(io, true, Instant::max(), out));
    CHECK(out == std::vector{Wake::kReady});
    CHECK_FALSE(io.is_watched());
  }
  SECTION("deadline") {
    io.cleared_read();
    tasks.spawn(note_wake(io, true, loop.now() + milliseconds(1), out));
    REQUIRE(test::run_until(loop, [&] { return !out.empty(); }));
    CHECK(out == std::vector{Wake::kTimeout});
  }
  SECTION("interrupt, and the next wait knows nothing of it") {
    io.cleared_read();
    io.interrupt_read();
    tasks.spawn(note_wake(io, true, Instant::max(), out));
    io.interrupt_read();
    CHECK(out == std::vector{Wake::kInterrupted});
    tasks.spawn(note_wake(io, true, Instant::max(), out));
    test::send_now(pair.far->fd(), "x");
    REQUIRE(test::run_until(loop, [&] { return out.size() == 2; }));
    CHECK(out[1] == Wake::kReady);
  }
  SECTION("a reader and a writer at the same time") {
    io.cleared_read();
    io.cleared_write();
    tasks.spawn(note_wake(io, true, loop.now() + milliseconds(1), out));
    tasks.spawn(note_wake(io, false, Instant::max(), out));
    REQUIRE(test::run_until(loop, [&] { return out.size() == 2; }));
    CHECK(out == std::vector{Wake::kReady, Wake::kTimeout});
  }
  SECTION("a wait that is cancelled hears nothing, and another may follow") {
    io.cleared_read();
    tasks.spawn(note_wake(io, true, loop.now() + milliseconds(1), out));
    tasks.cancel_all();
    tasks.spawn(note_wake(io, true, Instant::max(), out));
    test::send_now(pair.far->fd(), "x");
    REQUIRE(test::run_until(loop, [&] { return !out.empty(); }));
    test::settle(loop);
    CHECK(out == std::vector{Wake::kReady});
  }
}

TEST_CASE("loop: one that lets events gather is told of all of them", "[rt]") {
  Loop loop;
  for (int i = 0; i < 100; ++i) loop.pace().count_exchange(milliseconds(50));
  // What is counted next is judged in a minute, long after this test.
  loop.pace().count_round(1'000'000, loop.now() + std::chrono::minutes(1));
  REQUIRE(loop.pace().pause() > Duration::zero());
  auto first = test::stream_pair(loop);
  auto second = test::stream_pair(loop);
  first.near->io().cleared_read();
  second.near->io().cleared_read();
  std::vector<Wake> out;
  TaskGroup tasks(loop);
  tasks.spawn(note_wake(first.near->io(), true, Instant::max(), out));
  tasks.spawn(note_wake(second.near->io(), true, Instant::max(), out));
  test::settle(loop);
  REQUIRE(out.empty());
  std::thread sender([&] {
    test::send_now(first.far->fd(), "x");
    test::send_now(second.far->fd(), "x");
  });
  const bool both = test::run_until(loop, [&] { return out.size() == 2; });
  sender.join();
  REQUIRE(both);
  CHECK(out == std::vector{Wake::kReady, Wake::kReady});
  CHECK(loop.pace().pause() > Duration::zero());
}

TEST_CASE("loop: each wait to read has its own deadline, whatever those before it had", "[rt]") {
  Loop loop;
  auto pair = test::stream_pair(loop);
  Pollable& io = pair.near->io();
  std::vector<Wake> out;
  TaskGroup tasks(loop);
  const auto wait_and_end = [&](Instant deadline) {
    io.cleared_read();
    tasks.spawn(note_wake(io, true, deadline, out));
    io.interrupt_read();
    out.clear();
  };
  // What fires late or not at all would hang here, what fires early is seen by the clock.
  SECTION("a sooner one") {
    wait_and_end(loop.now() + std::chrono::hours(1));
    tasks.spawn(note_wake(io, true, loop.now() + milliseconds(20), out));
    REQUIRE(test::run_until(loop, [&] { return !out.empty(); }));
    CHECK(out == std::vector{Wake::kTimeout});
  }
  SECTION("a later one") {
    wait_and_end(loop.now() + milliseconds(1));
    const Instant deadline = loop.now() + milliseconds(60);
    tasks.spawn(note_wake(io, true, deadline, out));
    REQUIRE(test::run_until(loop, [&] { return !out.empty(); }));
    CHECK(out == std::vector{Wake::kTimeout});
    CHECK(loop.now() >= deadline);
  }
  SECTION("none") {
    wait_and_end(loop.now() + milliseconds(1));
    tasks.spawn(note_wake(io, true, Instant::max(), out));
    const Instant later = loop.now() + milliseconds(40);
    REQUIRE(test::run_until(loop, [&] { return loop.now() >= later; }));
    CHECK(out.empty());
  }
  SECTION("nobody waits any more") {
    wait_and_end(loop.now() + milliseconds(1));
    const Instant later = loop.now() + milliseconds(40);
    REQUIRE(test::run_until(loop, [&] { return loop.now() >= later; }));
    tasks.spawn(note_wake(io, true, loop.now() + milliseconds(1), out));
    REQUIRE(test::run_until(loop, [&] { return !out.empty(); }));
    CHECK(out == std::vector{Wake::kTimeout});
  }
}

TEST_CASE("loop: the end of a peer is told, and stays told", "[rt]") {
  Loop loop;
  auto pair = test::stream_pair(loop);
  Pollable& io = pair.near->io();
  io.watch();
  pair.far->shutdown_write();
  test::settle(loop);
  CHECK(io.peer_closed());
  CHECK_FALSE(io.hung_up());
  io.cleared_read();
  CHECK(io.may_read());
  pair.far.reset();
  test::settle(loop);
  CHECK(io.hung_up());
}

struct Watcher final : Waiter {
  explicit Watcher(std::function<void()> call) : act(std::move(call)) {}
  std::function<void()> act;
  int woken = 0;
  void wake() override {
    ++woken;
    act();
  }
};

TEST_CASE("loop: one event wakes a watcher once", "[rt]") {
  Loop loop;
  auto pair = test::stream_pair(loop);
  Pollable& io = pair.near->io();
  Watcher watcher([&] { io.set_read_waiter(&watcher); });
  io.cleared_read();
  io.set_read_waiter(&watcher);
  test::settle(loop);
  const int at_first = watcher.woken;  // the first report tells that it may be written
  test::send_now(pair.far->fd(), "x");
  test::settle(loop);
  CHECK(watcher.woken == at_first + 1);
  test::settle(loop);
  CHECK(watcher.woken == at_first + 1);
  io.clear_read_waiter(&watcher);
  test::send_now(pair.far->fd(), "x");
  test::settle(loop);
  CHECK(watcher.woken == at_first + 1);
}

TEST_CASE("loop: a woken watcher may destroy other descriptors of the same batch, and its own", "[rt]") {
  Loop loop;
  const bool own = GENERATE(false, true);
  std::vector<std::unique_ptr<test::StreamPair>> pairs;
  std::vector<std::unique_ptr<Watcher>> watchers;
  int woken = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    pairs.push_back(std::make_unique<test::StreamPair>(test::stream_pair(loop)));
    watchers.push_back(std::make_unique<Watcher>([&, i] {
      ++woken;
      for (std::size_t k = 0; k < pairs.size(); ++k)
        if ((k == i) == own || k != i) pairs[k].reset();
    }));
    pairs[i]->near->io().cleared_read();
    pairs[i]->near->io().watch();
  }
  test::settle(loop);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i]->near->io().cleared_read();
    pairs[i]->near->io().set_read_waiter(watchers[i].get());
    test::send_now(pairs[i]->far->fd(), "x");
  }
  test::settle(loop);
  CHECK(woken == 1);
}

TEST_CASE("loop: a descriptor whose number is used again starts afresh", "[rt]") {
  Loop loop;
  std::vector<Wake> out;
  TaskGroup tasks(loop);
  for (int round = 0; round < 3; ++round) {
    auto pair = test::stream_pair(loop);
    pair.near->io().cleared_read();
    tasks.spawn(note_wake(pair.near->io(), true, Instant::max(), out));
    test::send_now(pair.far->fd(), "x");
    test::settle(loop);
    REQUIRE(out.size() == static_cast<std::size_t>(round) + 1);
  }
}

}  // namespace
}  // namespace rpx::rt
