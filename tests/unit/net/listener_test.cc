#include "net/listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "net/inherited.h"
#include "support/streams.h"
#include "support/temp_folder.h"

namespace rpx::net {
namespace {

std::uint16_t port_of(int fd) {
  sockaddr_storage where{};
  socklen_t length = sizeof where;
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&where), &length) == 0);
  return Address::from_sockaddr(reinterpret_cast<sockaddr*>(&where), length).port;
}

bool connects(const Address& to) {
  sockaddr_storage where{};
  const socklen_t length = to.to_sockaddr(where);
  const UniqueFd fd(socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(fd.get(), reinterpret_cast<sockaddr*>(&where), length) == 0;
}

TEST_CASE("listener: a connection that was reset is told from one that was closed or is there", "[net]") {
  const auto listener = listen_on("127.0.0.1:0", 1);
  REQUIRE(listener);
  listener->wait_for_bytes(false);
  sockaddr_storage where{};
  const socklen_t length = listener->bound.to_sockaddr(where);
  UniqueFd client(socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(connect(client.get(), reinterpret_cast<sockaddr*>(&where), length) == 0);
  REQUIRE(send(client.get(), "GET", 3, 0) == 3);
  const bool reset = GENERATE(true, false);
  const linger at_once{.l_onoff = reset, .l_linger = 0};
  REQUIRE(setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  pollfd in_line{.fd = listener->sockets[0].get(), .events = POLLIN, .revents = 0};
  REQUIRE(poll(&in_line, 1, 10'000) == 1);
  client = {};
  const UniqueFd accepted(accept(in_line.fd, nullptr, nullptr));
  REQUIRE(accepted);
  CHECK(is_reset(accepted.get()) == reset);
}

TEST_CASE("listener: port 0 is a port of the kernel's choice, the same for all workers", "[net]") {
  const std::size_t workers = GENERATE(1U, 3U);
  const std::string address = GENERATE(as<std::string>{}, "127.0.0.1:0", ":0", "*:0");
  const auto listener = listen_on(address, workers);
  CAPTURE(address, workers);
  REQUIRE(listener);
  CHECK(listener->sockets.size() == workers);
  REQUIRE(listener->bound.port != 0);
  for (const UniqueFd& fd : listener->sockets) {
    CHECK(port_of(fd.get()) == listener->bound.port);
    CHECK((fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(connects({.ip = IpAddress::v4(0x7F000001), .port = listener->bound.port}));
}

TEST_CASE("listener: what another process has left is taken up, once, whatever the number of workers", "[net]") {
  const std::size_t before = GENERATE(1U, 2U, 4U);
  const std::size_t after = GENERATE(1U, 3U);
  auto first = listen_on("127.0.0.1:0", before);
  REQUIRE(first);
  const std::uint16_t port = first->bound.port;
  std::vector<InheritedSockets> left;
  left.push_back({.address = "127.0.0.1:0", .unlink_path = {}, .sockets = std::move(first->sockets)});
  inherit_sockets(std::move(left));
  const auto second = listen_on("127.0.0.1:0", after);
  REQUIRE(second);
  CHECK(second->bound.port == port);
  // None of those that clients may wait at is given up; one that is not shared with others cannot be joined.
  CHECK(second->sockets.size() == (before == 1 ? 1 : std::max(before, after)));
  for (const UniqueFd& fd : second->sockets) CHECK(port_of(fd.get()) == port);
  const auto third = listen_on("127.0.0.1:0", after);
  REQUIRE(third);
  CHECK(third->bound.port != port);
  settle_inherited_sockets();
}

TEST_CASE("listener: the file of an inherited socket goes with whoever has taken over for good", "[net]") {
  const test::TempFolder folder;
  const std::string path = folder.file("app.sock");
  const std::string address = "unix:" + path;
  auto first = listen_on(address, 1);
  REQUIRE(first);
  const auto leave = [&] {
    std::vector<UniqueFd> copy;
    copy.emplace_back(fcntl(first->sockets.front().get(), F_DUPFD_CLOEXEC, 0));
    std::vector<InheritedSockets> left;
    left.push_back({.address = address, .unlink_path = path, .sockets = std::move(copy)});
    inherit_sockets(std::move(left));
  };
  leave();
  SECTION("not with one that gives up") {
    CHECK(listen_on(address, 1));
    CHECK(std::filesystem::exists(path));
    settle_inherited_sockets();
  }
  SECTION("with the one that goes on") {
    {
      const auto second = listen_on(address, 1);
      REQUIRE(second);
      settle_inherited_sockets();
      CHECK(std::filesystem::exists(path));
    }
    CHECK_FALSE(std::filesystem::exists(path));
  }
  SECTION("at once where nobody has taken it up") {
    settle_inherited_sockets();
    CHECK_FALSE(std::filesystem::exists(path));
  }
}

TEST_CASE("listener: a port somebody listens on is refused, however many sockets share it", "[net]") {
  const std::size_t before = GENERATE(1U, 2U);
  const std::size_t after = GENERATE(1U, 2U);
  auto first = listen_on("127.0.0.1:0", before);
  REQUIRE(first);
  const std::string address = first->bound.to_string();
  const auto second = listen_on(address, after);
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::kIo);
  CHECK(second.error().detail.find(address) != std::string::npos);
  first->sockets.clear();
  CHECK(listen_on(address, after));
}

TEST_CASE("listener: addresses that are none", "[net]") {
  const std::string address = GENERATE(as<std::string>{}, "", "8080", "localhost", "127.0.0.1:", "127.0.0.1:x",
                                       "127.0.0.1:65536", "127.0.0.1:-1", "300.0.0.1:80", "[::1", "fd:", "fd:nobody");
  const auto listener = listen_on(address, 2);
  CAPTURE(address);
  REQUIRE_FALSE(listener);
  CHECK(listener.error().detail.find(address) != std::string::npos);
  CHECK(listener.error().detail.find('\n') == std::string::npos);
}

TEST_CASE("listener: a Unix socket is one for all workers, and its file goes with it", "[net]") {
  const test::TempFolder folder;
  const std::string path = folder.file("app.sock");
  {
    const auto listener = listen_on("unix:" + path, 4);
    REQUIRE(listener);
    CHECK(listener->sockets.size() == 1);
    CHECK(listener->bound.to_string() == "unix:" + path);
    CHECK(connects(listener->bound));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("listener: a stale Unix socket is replaced, a live one and other files are left alone", "[net]") {
  const test::TempFolder folder;
  const std::string path = folder.file("app.sock");
  const std::string address = "unix:" + path;
  SECTION("stale") {
    sockaddr_storage where{};
    const socklen_t length = Address{.path = path}.to_sockaddr(where);
    {
      const UniqueFd left_over(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      REQUIRE(bind(left_over.get(), reinterpret_cast<sockaddr*>(&where), length) == 0);
    }
    REQUIRE(std::filesystem::exists(path));
    const auto listener = listen_on(address, 1);
    REQUIRE(listener);
    CHECK(connects(listener->bound));
  }
  SECTION("live") {
    const auto first = listen_on(address, 1);
    const auto second = listen_on(address, 1);
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::kIo);
    CHECK(connects(first->bound));
  }
  SECTION("a file") {
    std::ofstream(path) << "precious";
    CHECK_FALSE(listen_on(address, 1));
    CHECK(std::filesystem::file_size(path) == 8);
  }
  SECTION("no such folder, and a path too long") {
    CHECK_FALSE(listen_on("unix:" + folder.file("missing/app.sock"), 1));
    CHECK_FALSE(listen_on("unix:" + folder.file(std::string(150, 'n')), 1));
  }
}

TEST_CASE("listener: inherited sockets, by number and by name", "[net]") {
  const auto original = listen_on("127.0.0.1:0", 1);
  REQUIRE(original);
  const UniqueFd inherited(fcntl(original->sockets[0].get(), F_DUPFD_CLOEXEC, 100));
  REQUIRE(inherited);
  std::string names;
  for (int fd = 3; fd < inherited.get(); ++fd) names += "other:";
  setenv("LISTEN_FDNAMES", (names + "web").c_str(), 1);
  const std::string address = GENERATE_REF(as<std::string>{}, "fd:" + std::to_string(inherited.get()), "fd:web");
  for (int round = 0; round < 2; ++round) {  // a reload may open it again
    const auto listener = listen_on(address, 3);
    CAPTURE(address);
    REQUIRE(listener);
    CHECK(listener->sockets.size() == 1);
    CHECK(listener->bound == original->bound);
  }
  CHECK_FALSE(listen_on("fd:absent", 1));
  unsetenv("LISTEN_FDNAMES");
  CHECK_FALSE(listen_on("fd:web", 1));
  CHECK_FALSE(listen_on("fd:9999", 1));
  auto [near, far] = test::socket_pair();
  CHECK_FALSE(listen_on("fd:" + std::to_string(near.get()), 1));  // connected: nothing to accept
}

}  // namespace
}  // namespace rpx::net
