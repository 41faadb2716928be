// A connection's task is destroyed at each of its suspension points in turn: whatever it held is given back.
#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <thread>

#include "unit/proxy/live_worker.h"

namespace rpx::proxy {
namespace {

struct Flow {
  const char* name;
  std::string request;
  std::size_t request_piece;  ///< bytes the client sends a round
  Script origin;
  std::string ending;  ///< of what the client gets
  bool first_server_is_deaf = false;
};

std::string chunk(std::size_t size) { return fmt::format("{:x}\r\n{}\r\n", size, std::string(size, 'c')); }

Script uploads(std::string reply, std::size_t piece) {
  return [=](net::SocketStream& stream) -> rt::Task<> {
    std::string seen;
    co_await read_past(stream, seen, "END");
    co_await test::feed(stream, reply, piece, false);
    co_await stream.io().readable(Instant::max());
  };
}

Script echoes() {
  return [](net::SocketStream& stream) -> rt::Task<> {
    std::string seen;
    co_await read_past(stream, seen, "\r\n\r\n");
    co_await test::feed(stream, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello",
                        60, false);
    co_await read_past(stream, seen, "END");
    co_await test::feed(stream, std::string(30'000, 'e') + "BYE", 10'000, true);
    co_await stream.io().readable(Instant::max());
  };
}

std::vector<Flow> flows() {
  const std::string get = "GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n";
  const std::string post = "POST /a HTTP/1.1\r\nHost: a.test\r\n";
  const std::string short_reply = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nBYE";
  return {
      {"short", get, 1000, answers("\r\n\r\n", short_reply, 1000), "BYE"},
      {"in small pieces", get, 7, answers("\r\n\r\n", short_reply, 9), "BYE"},
      {"chunked, with trailers", get, 1000,
       answers("\r\n\r\n",
               "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(9000) +
                   chunk(20) + "0\r\nX-End: BYE\r\n\r\n",
               1500),
       "BYE\r\n\r\n"},
      {"large, by the kernel", get, 1000,
       answers("\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 600003\r\n\r\n" + std::string(600'000, 'x') + "BYE",
               100'000),
       "BYE"},
      {"upload", post + "Content-Length: 60003\r\n\r\n" + std::string(60'000, 'u') + "END", 9000,
       uploads(short_reply, 1000), "BYE"},
      {"upload in chunks, after 100",
       post + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(70'000) + "3\r\nEND\r\n0\r\n\r\n",
       11'000, uploads("HTTP/1.1 100 Continue\r\n\r\n" + short_reply, 20), "BYE"},
      {"upgrade",
       "GET /a HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly" +
           std::string(20'000, 't') + "END",
       5000, echoes(), "BYE"},
      {"next server", get, 1000, answers("\r\n\r\n", short_reply, 1000), "BYE", true},
      {"a bad head", "GET /a HTTP/1.1\r\nHost: a b\r\n\r\nBYE", 20, answers("\r\n\r\n", short_reply, 1000), "\r\n\r\n"},
  };
}

struct Outcome {
  bool ended = false;   ///< the client has got everything
  std::string trouble;  ///< what was left over
};

void note_leftovers(LiveWorker& live, Outcome& out) {
  const WorkerCounters& counters = live.worker.counters();
  if (counters.connections.read() != 0) out.trouble += " a connection";
  if (counters.exchanges.read() != 0) out.trouble += " an exchange";
  if (live.limits.open() != 0) out.trouble += " a place";
  for (std::size_t i = 0; i < live.options.upstreams[0].servers.size(); ++i)
    if (live.server(i).active.load() != 0) out.trouble += " a lease";
}

// Lets the flow go on for `rounds` rounds of the loop, then destroys the connection's task.
Outcome run_for(const Flow& flow, int rounds) {
  Outcome out;
  LiveWorker live;
  rt::Loop& loop = live.worker.loop();
  ScriptedOrigin origin(loop, live.path("b"), flow.origin);
  if (flow.first_server_is_deaf) live.add_server("a");
  live.add_server("b");
  live.take_up();
  {
    auto [near, far] = test::socket_pair(20'000);
    net::SocketStream client(loop, std::move(near));
    rt::Task<> served = live.serve(std::move(far));
    std::string got;
    rt::Task<bool> sends = test::feed(client, flow.request, flow.request_piece, false);
    rt::Task<bool> reads = test::drink(client, got, 40'000);
    test::start(served);
    test::start(sends);
    test::start(reads);
    for (int i = 0; i < rounds && !served.done(); ++i) {
      loop.run_once(Duration::zero());
      if (got.find(flow.ending) != std::string::npos) break;
    }
    out.ended = got.find(flow.ending) != std::string::npos;
    served.reset();
    note_leftovers(live, out);
  }
  return out;
}

TEST_CASE("connection: cancelled at any point, it leaves nothing behind", "[proxy]") {
  static const std::vector<Flow> all = flows();
  for (const Flow& flow : all) {
    Outcome outcome;
    int rounds = 0;
    for (; rounds < 400 && !outcome.ended; ++rounds) {
      const int before = test::open_descriptors();
      // A thread of its own, because what threads keep for later (pipes) ends with them.
      std::thread([&] { outcome = run_for(flow, rounds); }).join();
      CAPTURE(flow.name, rounds);
      REQUIRE(outcome.trouble == "");
      REQUIRE(test::open_descriptors() == before);
    }
    CAPTURE(flow.name, rounds);
    CHECK(outcome.ended);
  }
}

}  // namespace
}  // namespace rpx::proxy
