#include "upstream/pool.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "pool_setup.h"
#include "support/streams.h"

namespace rpx::upstream {
namespace {

using std::chrono::seconds;

// A connection that a request has just used, so that it is known to be empty.
void give_back_clean(Lease& lease, Duration server_idle = {}) {
  lease.stream().io().cleared_read();
  lease.give_back(server_idle);
}

TEST_CASE("pool: a kept connection is used again, the last one first", "[upstream]") {
  Setup setup;
  setup.add("a");
  setup.configure();
  Member& member = *setup.pool.pick({});
  Lease first = setup.connect(member);
  Lease second = setup.connect(member);
  CHECK_FALSE(first.reused());
  CHECK(setup.active(0) == 2);
  const int fd = second.stream().fd();
  give_back_clean(first);
  give_back_clean(second);
  CHECK(setup.idle(0) == 2);
  CHECK(setup.active(0) == 0);
  test::settle(setup.loop);
  const bool careful = GENERATE(false, true);
  Lease again = setup.pool.reuse(member, careful);
  REQUIRE(again);
  CHECK(again.reused());
  CHECK(again.stream().fd() == fd);
  CHECK(setup.idle(0) == 1);
  again.drop();
  again.drop();
  CHECK(setup.active(0) == 0);
}

TEST_CASE("pool: a kept connection that the server closes, or speaks on, is dropped", "[upstream]") {
  Setup setup;
  setup.add("a");
  setup.configure();
  Member& member = *setup.pool.pick({});
  Lease lease = setup.connect(member);
  net::UniqueFd peer = setup.accept(0);
  const bool speaks = GENERATE(false, true);
  const bool noticed = GENERATE(false, true);
  give_back_clean(lease);
  REQUIRE(setup.idle(0) == 1);
  test::settle(setup.loop);
  if (speaks)
    test::send_now(peer.get(), "HTTP/1.1 408 Request Timeout\r\n\r\n");
  else
    peer.reset();
  if (noticed) {
    test::settle(setup.loop);
    CHECK(setup.idle(0) == 0);
  }
  CHECK_FALSE(setup.pool.reuse(member, true));
  CHECK(setup.idle(0) == 0);
}

TEST_CASE("pool: a connection with bytes left in it is not kept", "[upstream]") {
  Setup setup;
  setup.add("a");
  setup.configure();
  Lease lease = setup.connect(*setup.pool.pick({}));
  const net::UniqueFd peer = setup.accept(0);
  test::send_now(peer.get(), "more than was asked");
  lease.stream().io().mark_readable();
  lease.give_back({});
  CHECK(setup.idle(0) == 0);
}

TEST_CASE("pool: keeps as many as keepalive allows, for as long as idle says", "[upstream]") {
  Setup setup;
  setup.add("a");
  setup.options.connect.keepalive = 2;
  setup.options.connect.idle = seconds(10);
  setup.configure();
  Member& member = *setup.pool.pick({});
  std::vector<Lease> leases;
  for (int i = 0; i < 3; ++i) leases.push_back(setup.connect(member));
  give_back_clean(leases[0]);
  give_back_clean(leases[1], seconds(5));  // the server's own patience is shorter
  give_back_clean(leases[2]);
  CHECK(setup.idle(0) == 2);
  const Instant now = setup.loop.now();
  setup.pool.sweep(now + seconds(4));
  CHECK(setup.idle(0) == 2);
  setup.pool.sweep(now + seconds(5));
  CHECK(setup.idle(0) == 1);
  setup.pool.sweep(now + seconds(11));
  CHECK(setup.idle(0) == 0);
}

TEST_CASE("pool: servers take turns, tried ones are left out, backups come last", "[upstream]") {
  Setup setup;
  setup.add("a");
  setup.add("b");
  setup.add("spare", true);
  setup.configure();
  CHECK(setup.pick_name() == "a");
  CHECK(setup.pick_name() == "b");
  CHECK(setup.pick_name() == "a");
  Member* a = setup.pool.pick({});
  while (setup.name_of(a) != "a") a = setup.pool.pick({});
  Member* b = setup.pool.pick(std::vector{a});
  REQUIRE(setup.name_of(b) == "b");
  CHECK(setup.pool.has_other(std::vector{a, b}));
  Member* spare = setup.pool.pick(std::vector{a, b});
  REQUIRE(setup.name_of(spare) == "spare");
  CHECK(setup.pick_name({a, b, spare}).empty());
  CHECK_FALSE(setup.pool.has_other(std::vector{a, b, spare}));
}

TEST_CASE("pool: the only server is tried after one that has been replaced by it", "[upstream]") {
  Setup setup;
  setup.add("before");
  setup.configure();
  Member* before = setup.pool.pick({});
  const Lease lease = setup.connect(*before);  // which keeps what it is of
  setup.add("after");
  setup.servers.erase(setup.servers.begin());
  setup.configure();
  CHECK(setup.pick_name({before}) == "after");
  Member* after = setup.pool.pick({});
  CHECK(setup.pick_name({before, after}).empty());
}

TEST_CASE("pool: a server that refuses is passed over for a while, and asked when there is no other", "[upstream]") {
  Setup setup;
  setup.add("dead", false, true);
  setup.add("b");
  setup.configure();
  Member* dead = setup.pool.pick({});
  REQUIRE(setup.name_of(dead) == "dead");
  const auto refused = test::run(setup.loop, setup.pool.connect(*dead));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kConnectRefused);
  CHECK(refused.error().side == Side::kUpstream);
  CHECK(setup.servers[0]->counters().down_workers.load() == 1);
  CHECK(setup.servers[0]->counters().failures.load() == 1);
  CHECK_FALSE(setup.servers[0]->last_failure().empty());
  CHECK(setup.active(0) == 0);
  for (int i = 0; i < 4; ++i) CHECK(setup.pick_name() == "b");
  Member* b = setup.pool.pick({});
  CHECK(setup.pool.pick(std::vector{b}) == dead);
  setup.listeners.push_back(net::listen_on(setup.options.servers[0].url, 1).value());
  CHECK(setup.connect(*dead));
  CHECK(setup.servers[0]->counters().down_workers.load() == 0);
}

TEST_CASE("pool: a reload leaves unchanged servers their connections", "[upstream]") {
  Setup setup;
  setup.add("a");
  setup.add("b");
  setup.configure();
  Member* a = setup.pool.pick({});
  Member* b = setup.pool.pick({});
  REQUIRE(setup.name_of(a) == "a");
  Lease kept = setup.connect(*a);
  Lease used = setup.connect(*b);
  Lease lost = setup.connect(*b);
  give_back_clean(kept);
  give_back_clean(lost);
  const std::shared_ptr<Server> gone = setup.servers[1];
  setup.servers.erase(setup.servers.begin() + 1);
  setup.options.servers.erase(setup.options.servers.begin() + 1);
  setup.configure();
  CHECK(setup.pool.pick({}) == a);
  CHECK(setup.idle(0) == 1);
  CHECK(setup.pool.reuse(*a, true));
  // The other one is over, but for the lease that is out.
  CHECK(gone->counters().idle.load() == 0);
  CHECK(gone->counters().active.load() == 1);
  test::settle(setup.loop);
  CHECK(used.server().url() == gone->url());
  give_back_clean(used);
  CHECK(gone->counters().idle.load() == 0);
  CHECK(gone->counters().active.load() == 0);
}

TEST_CASE("pool: connecting goes on to its end when a reload drops the server meanwhile", "[upstream]") {
  Setup setup;
  setup.add("a");
  setup.configure();
  // A TCP listener whose queue is full leaves a connect pending.
  const net::UniqueFd full(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage where{};
  Address any{.ip = IpAddress::v4(0x7F000001)};
  socklen_t length = any.to_sockaddr(where);
  REQUIRE(bind(full.get(), reinterpret_cast<sockaddr*>(&where), length) == 0);
  REQUIRE(listen(full.get(), 0) == 0);
  REQUIRE(getsockname(full.get(), reinterpret_cast<sockaddr*>(&where), &length) == 0);
  std::vector<net::UniqueFd> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(waiting.back().get(), reinterpret_cast<sockaddr*>(&where), length);
  }
  const ServerOptions options{.url = "http://" +
                                     Address::from_sockaddr(reinterpret_cast<sockaddr*>(&where), length).to_string()};
  const auto slow = std::make_shared<Server>("app", options, parse_server_url(options.url).value(), setup.resolver);
  setup.options.connect.timeout = std::chrono::milliseconds(5);
  setup.pool.configure(setup.options, std::vector{slow});
  rt::Task<Result<Lease>> connecting = setup.pool.connect(*setup.pool.pick({}));
  test::start(connecting);
  REQUIRE_FALSE(connecting.done());
  CHECK(slow->counters().active.load() == 1);
  setup.configure();
  const bool cancelled = GENERATE(false, true);
  if (cancelled) {
    connecting.reset();
  } else {
    REQUIRE(test::run_until(setup.loop, [&] { return connecting.done(); }));
    const auto ended = connecting.take();
    REQUIRE_FALSE(ended);
    CHECK(ended.error().kind == ErrorKind::kConnectTimeout);
  }
  CHECK(slow->counters().active.load() == 0);
}

}  // namespace
}  // namespace rpx::upstream
