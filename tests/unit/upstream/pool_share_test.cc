#include <catch2/catch.hpp>

#include "http/h2_client.h"
#include "pool_setup.h"
#include "support/h2.h"
#include "support/streams.h"

namespace rpx::upstream {
namespace {

using test::frame;

/// A pool whose one server speaks HTTP/2 in the clear.
struct Shared : Setup {
  explicit Shared(const std::string& protocol = "h2c") {
    options.protocol = protocol;
    add("a");
    configure();
    member = pool.pick({});
  }
  Lease open() { return test::run(loop, pool.open(*member)).value(); }
  /// The server's end of the next connection, with its settings said.
  net::UniqueFd serve(std::string_view settings = {}) {
    net::UniqueFd fd = accept(0);
    test::send_now(fd.get(), frame(test::kSettings, 0, 0, settings));
    test::settle(loop);
    return fd;
  }
  Member* member = nullptr;
};

/// Opens on a task of its own.
struct Opening {
  explicit Opening(Shared& shared) : task(shared.loop) { task.start(shared.pool.open(*shared.member)); }
  bool done() const { return task.done(); }
  Lease take() { return std::move(task.result().value()); }
  rt::Child<Result<Lease>> task;
};

TEST_CASE("pool share: requests share a connection up to what the server takes", "[upstream][rfc9113-5.1.2]") {
  Shared shared;
  Lease first = shared.open();
  REQUIRE(first.slot());
  const net::UniqueFd server = shared.serve(test::setting(3, 2));
  Lease second = shared.pool.reuse(*shared.member, false);
  REQUIRE(second);
  CHECK(second.reused());
  CHECK(&second.slot()->client() == &first.slot()->client());
  CHECK_FALSE(shared.pool.reuse(*shared.member, false));
  Lease third = shared.open();
  CHECK(&third.slot()->client() != &first.slot()->client());
}

TEST_CASE("pool share: those behind the first request wait for the server's settings", "[upstream][rfc9113-3.4]") {
  Shared shared;
  Lease first = shared.open();
  Opening second(shared);
  Opening third(shared);
  test::settle(shared.loop);
  CHECK_FALSE(second.done());
  const net::UniqueFd server = shared.serve();
  REQUIRE(test::run_until(shared.loop, [&] { return second.done() && third.done(); }));
  CHECK(&second.take().slot()->client() == &first.slot()->client());
  CHECK(third.take().slot()->client().slots() == 2);
}

TEST_CASE("pool share: one dials for all who come at once", "[upstream]") {
  Shared shared;
  Opening first(shared);
  Opening second(shared);
  REQUIRE(test::run_until(shared.loop, [&] { return first.done(); }));
  const net::UniqueFd server = shared.serve();
  REQUIRE(test::run_until(shared.loop, [&] { return second.done(); }));
  const Lease one = first.take();
  const Lease two = second.take();
  CHECK(shared.servers[0]->counters().connects.load() == 1);
}

TEST_CASE("pool share: who waits learns that the dial failed", "[upstream]") {
  Shared shared;
  shared.listeners.clear();
  Opening first(shared);
  Opening second(shared);
  REQUIRE(test::run_until(shared.loop, [&] { return first.done() && second.done(); }));
  CHECK_FALSE(first.task.result());
  CHECK_FALSE(second.task.result());
}

TEST_CASE("pool share: a connection without calls is idle, and goes when it has been for too long", "[upstream]") {
  Shared shared;
  {
    Lease lease = shared.open();
    shared.serve().release();
    lease.give_back({});
  }
  CHECK(shared.idle(0) == 1);
  CHECK(shared.active(0) == 0);
  Lease again = shared.pool.reuse(*shared.member, false);
  CHECK(shared.idle(0) == 0);
  again.drop();
  CHECK(shared.idle(0) == 1);
  shared.pool.sweep(shared.loop.now() + std::chrono::hours(1));
  CHECK(shared.idle(0) == 0);
  CHECK_FALSE(shared.pool.reuse(*shared.member, false));
}

TEST_CASE("pool share: a goaway takes a connection out", "[upstream][rfc9113-6.8]") {
  Shared shared;
  Lease lease = shared.open();
  const net::UniqueFd server = shared.serve();
  test::send_now(server.get(), frame(test::kGoaway, 0, 0, test::number(1, 4) + test::number(0, 4)));
  test::settle(shared.loop);
  CHECK_FALSE(shared.pool.reuse(*shared.member, false));
  CHECK(lease.slot()->client().retired());
}

TEST_CASE("pool share: an upgrade needs a server that takes an extended CONNECT", "[upstream][rfc8441]") {
  Shared shared;
  const bool takes = GENERATE(true, false);
  rt::Child<Result<Lease>> task(shared.loop);
  task.start(shared.pool.open_upgrade(*shared.member));
  test::settle(shared.loop);
  CHECK_FALSE(task.done());
  const net::UniqueFd server = shared.serve(takes ? test::setting(8, 1) : std::string());
  REQUIRE(test::run_until(shared.loop, [&] { return task.done(); }));
  CHECK(task.result().has_value() == takes);
  if (!takes) CHECK(task.result().error().kind == ErrorKind::kUpgradeFailed);
}

TEST_CASE("pool share: in the clear auto is HTTP/1", "[upstream]") {
  Shared shared("auto");
  Lease lease = shared.open();
  CHECK_FALSE(lease.slot());
  CHECK(lease.stream().fd() >= 0);
}

}  // namespace
}  // namespace rpx::upstream
