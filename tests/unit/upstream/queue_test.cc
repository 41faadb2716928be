#include "upstream/queue.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "support/run.h"
#include "support/streams.h"
#include "upstream/gone_watch.h"
#include "upstream/pool.h"

namespace rpx::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Servers with max_connections, and the queue before them.
struct Setup {
  explicit Setup(std::vector<std::uint32_t> most) {
    options.name = "app";
    for (std::size_t i = 0; i < most.size(); ++i) {
      ServerOptions server{.url = "http://127.0.0.1:" + std::to_string(1000 + i), .max_connections = most[i]};
      servers.push_back(std::make_shared<Server>("app", server, parse_server_url(server.url).value(), resolver));
      options.servers.push_back(std::move(server));
    }
  }
  net::Resolver resolver;
  UpstreamOptions options;
  std::vector<std::shared_ptr<Server>> servers;
  std::shared_ptr<Queue> queue = std::make_shared<Queue>();
};

// One worker's side of it.
struct Worker {
  explicit Worker(Setup& setup) { pool.configure(setup.options, setup.servers, setup.queue); }
  rt::Loop loop;
  Pool pool{loop, 0};
};

// A request that waits, or has its place.
struct Asker {
  explicit Asker(Worker& worker, bool waits_half_closed = true) : client(test::stream_pair(worker.loop)) {
    task = worker.pool.pick_place({}, 0, {client.near.get(), waits_half_closed}, place);
    test::start(task);
  }
  test::StreamPair client;
  Place place;
  rt::Task<Result<Member*>> task;
};

TEST_CASE("queue: a full server makes requests wait, first come first served", "[upstream]") {
  Setup setup({2});
  Worker worker(setup);
  std::vector<std::unique_ptr<Asker>> askers;
  for (int i = 0; i < 6; ++i) askers.push_back(std::make_unique<Asker>(worker));
  CHECK(askers[0]->task.done());
  CHECK(askers[1]->task.done());
  CHECK(setup.queue->waiting() == 4);
  for (std::size_t next = 2; next < 6; ++next) {
    askers[next - 2]->place.release();
    REQUIRE(test::run_until(worker.loop, [&] { return askers[next]->task.done(); }));
    CHECK(askers[next]->task.take());
    CHECK(askers[next]->place);
    for (std::size_t later = next + 1; later < 6; ++later) CHECK_FALSE(askers[later]->task.done());
  }
  CHECK(setup.queue->waiting() == 0);
  CHECK(setup.servers[0]->is_full());
  askers.clear();
  CHECK_FALSE(setup.servers[0]->is_full());
}

TEST_CASE("queue: who is over the bound, or waits too long, hears why", "[upstream]") {
  Setup setup({1});
  setup.options.connect.max_pending = 1;
  setup.options.connect.queue = milliseconds(20);
  Worker worker(setup);
  Asker served(worker);
  Asker waits(worker);
  Asker refused(worker);
  REQUIRE(refused.task.done());
  const auto over = refused.task.take();
  REQUIRE_FALSE(over);
  CHECK(over.error().kind == ErrorKind::kPoolFull);
  CHECK(over.error().side == Side::kUpstream);
  CHECK(over.error().detail == "no server can take more now, and 1 requests wait");
  REQUIRE(test::run_until(worker.loop, [&] { return waits.task.done(); }));
  const auto late = waits.task.take();
  REQUIRE_FALSE(late);
  CHECK(late.error().kind == ErrorKind::kPoolFull);
  CHECK(late.error().detail == "no server had a place within connect.queue (0.02 s)");
  CHECK(setup.queue->waiting() == 0);
}

TEST_CASE("queue: a wait that is given up passes its turn on", "[upstream]") {
  Setup setup({1});
  Worker worker(setup);
  Asker served(worker);
  auto first = std::make_unique<Asker>(worker);
  Asker second(worker);
  const bool woken_already = GENERATE(false, true);
  if (woken_already) served.place.release();
  first.reset();
  served.place.release();
  REQUIRE(test::run_until(worker.loop, [&] { return second.task.done(); }, milliseconds(90)));
  CHECK(second.task.take());
  CHECK(setup.queue->waiting() == 0);
}

TEST_CASE("queue: a client that resets its connection does not go on waiting", "[upstream]") {
  Setup setup({1});
  Worker worker(setup);
  Asker served(worker);
  Asker gone(worker);
  gone.client.far.reset();
  REQUIRE(test::run_until(worker.loop, [&] { return gone.task.done(); }));
  const auto ended = gone.task.take();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().side == Side::kClient);
  CHECK(setup.queue->waiting() == 0);
}

TEST_CASE("queue: a client that closes its side goes on waiting where that is wanted", "[upstream]") {
  Setup setup({1});
  Worker worker(setup);
  Asker served(worker);
  Asker gone(worker, false);
  Asker waits(worker, true);
  // One whose end is known before it begins to wait.
  test::StreamPair early = test::stream_pair(worker.loop);
  early.near->io().watch();
  for (const int fd : {gone.client.far->fd(), waits.client.far->fd(), early.far->fd()}) shutdown(fd, SHUT_WR);
  REQUIRE(test::run_until(worker.loop, [&] { return gone.task.done() && early.near->io().peer_closed(); }));
  const auto ended = gone.task.take();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().kind == ErrorKind::kClosed);
  CHECK(ended.error().side == Side::kClient);
  Place place;
  auto late = worker.pool.pick_place({}, 0, {early.near.get(), false}, place);
  test::start(late);
  REQUIRE(late.done());
  CHECK_FALSE(late.take());
  CHECK_FALSE(waits.task.done());
  served.place.release();
  REQUIRE(test::run_until(worker.loop, [&] { return waits.task.done(); }));
  CHECK(waits.task.take());
}

TEST_CASE("queue: another server with room is taken instead of waiting", "[upstream]") {
  Setup setup({1, 0});
  Worker worker(setup);
  std::vector<std::unique_ptr<Asker>> askers;
  for (int i = 0; i < 5; ++i) askers.push_back(std::make_unique<Asker>(worker));
  int placed = 0;
  for (const auto& asker : askers) {
    CHECK(asker->task.done());
    placed += static_cast<bool>(asker->place);
  }
  CHECK(placed == 1);
}

TEST_CASE("queue: one that what is free is nothing to lets others by, and keeps its turn", "[upstream]") {
  Setup setup({1, 1});
  Worker worker(setup);
  Asker first(worker);
  Asker second(worker);
  Member* failed = first.task.take().value();
  // It has failed at the first server, and waits for the second.
  const std::array<Member*, 1> tried{failed};
  Place place;
  test::StreamPair client = test::stream_pair(worker.loop);
  auto picky = worker.pool.pick_place(tried, 0, client.near.get(), place);
  test::start(picky);
  Asker behind(worker);
  Asker last(worker);
  CHECK(setup.queue->waiting() == 3);
  first.place.release();
  REQUIRE(test::run_until(worker.loop, [&] { return behind.task.done(); }));
  CHECK(behind.task.take().value() == failed);
  CHECK_FALSE(picky.done());
  second.place.release();
  REQUIRE(test::run_until(worker.loop, [&] { return picky.done(); }));
  CHECK(picky.take().value() != failed);
  CHECK_FALSE(last.task.done());
}

TEST_CASE("queue: requests are held until a server is well, those that failed there too", "[upstream]") {
  Setup setup({0, 0});
  setup.options.hold = seconds(60);
  Worker worker(setup);
  for (const auto& server : setup.servers) server->state().set_healthy(false, {}, {});
  Place place;
  Member* tried[1] = {worker.pool.pick({})};
  auto held = worker.pool.pick_place(tried, 0, nullptr, place, worker.loop.now() + seconds(60));
  test::start(held);
  Place other;
  auto impatient = worker.pool.pick_place({}, 0, nullptr, other, Instant{});
  test::start(impatient);
  // Behind one who waits, but for a place: nobody is well, and it was not told to wait for that.
  REQUIRE(test::run_until(worker.loop, [&] { return impatient.done(); }));
  CHECK_FALSE(held.done());
  const auto index = static_cast<std::size_t>(Pool::server_of(*tried[0]) == setup.servers[1]);
  setup.servers[index]->state().set_healthy(true, {}, {});
  REQUIRE(test::run_until(worker.loop, [&] { return held.done(); }));
  CHECK(held.take().value() == tried[0]);
}

// Runs `count` requests on a loop of its own, each of which holds its place over a few rounds.
struct Crowd {
  rt::Task<void> one(Worker& worker, net::Stream* client) {
    Place place;
    const Result<Member*> member = co_await worker.pool.pick_place({}, 0, client, place);
    if (member) {
      const int now = in_progress.fetch_add(1) + 1;
      for (int seen = most.load(); now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      for (int i = 0; i < 3; ++i) co_await worker.loop.yield();
      in_progress.fetch_sub(1);
      served.fetch_add(1);
    }
  }
  void run(Setup& setup, int count) {
    Worker worker(setup);
    std::vector<test::StreamPair> clients;
    std::vector<rt::Task<void>> tasks;
    for (int i = 0; i < count; ++i) {
      clients.push_back(test::stream_pair(worker.loop));
      tasks.push_back(one(worker, clients.back().near.get()));
      test::start(tasks.back());
    }
    test::run_until(worker.loop, [&] { return std::ranges::all_of(tasks, &rt::Task<void>::done); });
    tasks.clear();
    // Others may still wake this loop.
    finished.fetch_add(1);
    test::run_until(worker.loop, [&] { return finished.load() == threads; });
  }
  std::atomic<int> in_progress{0};
  std::atomic<int> most{0};
  std::atomic<int> served{0};
  std::atomic<int> finished{0};
  int threads = 3;
};

TEST_CASE("queue: over several workers nobody is forgotten and no server has more than its limit", "[upstream]") {
  Setup setup({2, 1});
  setup.options.connect.queue = seconds(60);
  Crowd crowd;
  const Instant begun = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < crowd.threads; ++i) threads.emplace_back([&] { crowd.run(setup, 80); });
  for (std::thread& thread : threads) thread.join();
  CHECK(crowd.served == 240);
  CHECK(crowd.most <= 3);
  // Were only one in ten wake-ups lost, looking again every 100 ms would take longer than this.
  CHECK(std::chrono::steady_clock::now() - begun < seconds(2));
  CHECK(setup.queue->waiting() == 0);
  for (const auto& server : setup.servers) {
    CHECK(server->enter());
    server->leave();
  }
}

}  // namespace
}  // namespace rpx::upstream
