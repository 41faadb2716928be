#include "control/follow.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>

#include "base/events.h"
#include "control/client.h"
#include "control/connect.h"
#include "control/server.h"
#include "fake_host.h"
#include "support/temp_folder.h"

using namespace rpx;
using namespace rpx::control;
using namespace std::chrono_literals;

namespace {

struct Serving {
  test::TempFolder dir;
  FakeHost host;
  std::string path = dir.file("c.sock");
  std::unique_ptr<Server> server;

  Serving() { start(); }
  void start() {
    auto socket = SocketFile::listen_at(path);
    REQUIRE(socket);
    auto started = Server::start(*std::move(socket), host);
    REQUIRE(started);
    server = *std::move(started);
  }
};

Followed next_of(EventFollower& follower, Duration patience = 5s) {
  auto next = follower.next(patience);
  REQUIRE(next);
  REQUIRE(*next);
  return **std::move(next);
}

}  // namespace

TEST_CASE("follow: what is published comes at once, and only what was asked for", "[control]") {
  Serving it;
  EventFollower follower(it.path, "server,ban", 5s);
  REQUIRE(follower.open());
  publish(EventKind::kReload, {{"n", std::uint64_t{1}}});
  publish(EventKind::kBan, {{"client", "192.0.2.1"}});
  const Followed event = next_of(follower);
  CHECK(event.what == Followed::What::kEvent);
  CHECK(event.kind == "ban");
  CHECK(event.json.ends_with(R"("kind":"ban","client":"192.0.2.1"})"));
  const auto none = follower.next(10ms);
  REQUIRE(none);
  CHECK_FALSE(*none);
}

TEST_CASE("follow: a proxy that has gone is followed again when it is back, and nothing is missed", "[control]") {
  Serving it;
  EventFollower follower(it.path, "ban", 5s);
  REQUIRE(follower.open());
  publish(EventKind::kBan, {{"n", std::uint64_t{1}}});
  CHECK(next_of(follower).json.ends_with("\"n\":1}"));
  it.server.reset();
  CHECK(next_of(follower).what == Followed::What::kLost);
  publish(EventKind::kBan, {{"n", std::uint64_t{2}}});
  it.start();
  CHECK(next_of(follower).what == Followed::What::kBack);
  CHECK(next_of(follower).json.ends_with("\"n\":2}"));
}

TEST_CASE("follow: much that was missed comes without a pause", "[control]") {
  Serving it;
  EventFollower follower(it.path, "ban", 5s);
  REQUIRE(follower.open());
  publish(EventKind::kBan, {{"n", std::uint64_t{0}}});
  next_of(follower);
  it.server.reset();
  CHECK(next_of(follower).what == Followed::What::kLost);
  // More than is made ready at a time.
  const std::string large(1'000, 'x');
  for (int i = 0; i < 200; ++i) publish(EventKind::kBan, {{"reason", large}});
  it.start();
  CHECK(next_of(follower).what == Followed::What::kBack);
  for (int i = 0; i < 200; ++i) REQUIRE(next_of(follower).kind == "ban");
}

TEST_CASE("follow: listeners leave the threads that answer calls alone", "[control]") {
  Serving it;
  std::vector<std::unique_ptr<EventFollower>> many;
  for (int i = 0; i < 12; ++i) {
    many.push_back(std::make_unique<EventFollower>(it.path, "", 5s));
    REQUIRE(many.back()->open());
  }
  const auto status = Client(it.path, 5s).ask("GET", "/v1/status");
  REQUIRE(status);
  CHECK(status->status == 200);
  publish(EventKind::kReload, {{"n", std::uint64_t{9}}});
  for (const auto& follower : many) CHECK(next_of(*follower).kind == "reload");
}

TEST_CASE("follow: one who does not read keeps nobody waiting, and is told how much was lost", "[control]") {
  Serving it;
  const auto fd = connect_to(it.path, 5s);
  REQUIRE(fd);
  const std::string request = "GET /v1/events?kinds=ban HTTP/1.1\r\nHost: rpx\r\n\r\n";
  REQUIRE(::send(*fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
  char byte = 0;
  REQUIRE(::recv(*fd, &byte, 1, 0) == 1);
  EventFollower follower(it.path, "reload", 5s);
  REQUIRE(follower.open());
  // More than a queue takes and the socket between us holds.
  const std::string large(4'000, 'x');
  for (std::size_t i = 0; i < EventQueue::kMost + 200; ++i) publish(EventKind::kBan, {{"reason", large}});
  publish(EventKind::kReload, {{"n", std::uint64_t{1}}});
  CHECK(next_of(follower, 30s).kind == "reload");
  std::string all;
  std::vector<char> bytes(1 << 20);
  const timeval patience{.tv_sec = 30, .tv_usec = 0};
  ::setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  while (all.find("event: dropped") == std::string::npos) {
    const ssize_t got = ::recv(*fd, bytes.data(), bytes.size(), 0);
    if (got <= 0) break;
    // A line may come in two parts.
    all.erase(0, all.size() - std::min<std::size_t>(all.size(), 20));
    all.append(bytes.data(), static_cast<std::size_t>(got));
  }
  CHECK(all.find("event: dropped") != std::string::npos);
  ::close(*fd);
}

TEST_CASE("follow: there are so many listeners and no more", "[control]") {
  Serving it;
  std::vector<std::unique_ptr<EventFollower>> many;
  for (std::size_t i = 0; i < 64; ++i) {
    many.push_back(std::make_unique<EventFollower>(it.path, "", 5s));
    REQUIRE(many.back()->open());
  }
  const auto refused = EventFollower(it.path, "", 5s).open();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail.find("503") != std::string::npos);
}

TEST_CASE("follow: a proxy that is not there is an error, as is one that does not know the call", "[control]") {
  const test::TempFolder dir;
  EventFollower follower(dir.file("none.sock"), "", 1s);
  const auto next = follower.next(10ms);
  REQUIRE_FALSE(next);
  CHECK(next.error().kind == ErrorKind::kConnectRefused);
  Serving it;
  EventFollower wrong(it.path, "bans", 1s);
  const auto refused = wrong.next(10ms);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kBadResponse);
}
