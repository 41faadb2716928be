#include "proxy/tunnel.h"

#include <catch2/catch.hpp>

#include "support/run.h"
#include "support/streams.h"

namespace rpx::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// client.far <-> client.near == tunnel == server.near <-> server.far
struct Tunnelled {
  explicit Tunnelled(Duration idle = seconds(5), int buffer = 0)
      : client(test::stream_pair(loop, buffer)), server(test::stream_pair(loop, buffer)) {
    task = tunnel(*client.near, *server.near, "early client ", "early server ", idle, moved);
    test::start(task);
  }
  rt::Loop loop;
  test::StreamPair client;
  test::StreamPair server;
  TunnelBytes moved;
  rt::Task<Status> task;
};

std::string noise(std::size_t size) {
  std::string out;
  for (std::uint32_t state = 1; out.size() < size; state = state * 1664525 + 1013904223)
    out += static_cast<char>(state >> 24);
  return out;
}

TEST_CASE("tunnel: bytes both ways, those that came early first, until both sides have ended", "[proxy]") {
  const int buffer = GENERATE(0, 4096);
  Tunnelled tunnelled(seconds(5), buffer);
  const std::string up = noise(300'000);
  const std::string down = noise(200'000);
  std::string at_server;
  std::string at_client;
  auto sends_up = test::feed(*tunnelled.client.far, up, 50'000, true);
  auto sends_down = test::feed(*tunnelled.server.far, down, 3'001, true);
  auto reads_up = test::drink(*tunnelled.server.far, at_server, 1'000);
  auto reads_down = test::drink(*tunnelled.client.far, at_client, 60'000);
  for (auto* peer : {&sends_up, &sends_down, &reads_up, &reads_down}) test::start(*peer);
  REQUIRE(
      test::run_until(tunnelled.loop, [&] { return tunnelled.task.done() && reads_up.done() && reads_down.done(); }));
  CHECK(tunnelled.task.take());
  CHECK((at_server == "early client " + up));
  CHECK((at_client == "early server " + down));
  CHECK(tunnelled.moved.from_client == at_server.size());
  CHECK(tunnelled.moved.to_client == at_client.size());
}

TEST_CASE("tunnel: one side that has ended still gets what the other sends", "[proxy]") {
  Tunnelled tunnelled;
  tunnelled.client.far->shutdown_write();
  test::settle(tunnelled.loop, 8);
  REQUIRE_FALSE(tunnelled.task.done());
  CHECK(test::receive_now(tunnelled.server.far->fd()) == "early client ");
  test::send_now(tunnelled.server.far->fd(), "late");
  test::settle(tunnelled.loop, 8);
  CHECK(test::receive_now(tunnelled.client.far->fd()) == "early server late");
  tunnelled.server.far->shutdown_write();
  REQUIRE(test::run_until(tunnelled.loop, [&] { return tunnelled.task.done(); }));
  CHECK(tunnelled.task.take());
}

TEST_CASE("tunnel: silence of both sides ends it", "[proxy]") {
  Tunnelled tunnelled(milliseconds(5));
  REQUIRE(test::run_until(tunnelled.loop, [&] { return tunnelled.task.done(); }));
  const Status ended = tunnelled.task.take();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().kind == ErrorKind::kIdleTimeout);
}

TEST_CASE("tunnel: a side that goes away ends it at once", "[proxy]") {
  Tunnelled tunnelled;
  tunnelled.server.far.reset();
  test::send_now(tunnelled.client.far->fd(), "anybody there?");
  REQUIRE(test::run_until(tunnelled.loop, [&] { return tunnelled.task.done(); }));
  const Status ended = tunnelled.task.take();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().kind == ErrorKind::kReset);
  CHECK(ended.error().side == Side::kUpstream);
}

}  // namespace
}  // namespace rpx::proxy
