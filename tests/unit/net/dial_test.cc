#include "net/dial.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "net/listener.h"
#include "support/run.h"
#include "support/streams.h"
#include "support/temp_folder.h"

namespace rpx::net {
namespace {

using std::chrono::milliseconds;

// A TCP socket bound to a port of the kernel's choice.
struct Bound {
  Bound() : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage where{};
    socklen_t length = Address{.ip = IpAddress::v4(0x7F000001)}.to_sockaddr(where);
    REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&where), length) == 0);
    REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&where), &length) == 0);
    address = Address::from_sockaddr(reinterpret_cast<sockaddr*>(&where), length);
  }
  UniqueFd fd;
  Address address;
};

ErrorKind failure(rt::Loop& loop, const Address& to, Duration patience) {
  const auto dialled = test::run(loop, dial(loop, to, loop.now() + patience));
  REQUIRE_FALSE(dialled);
  CHECK(dialled.error().side == Side::kUpstream);
  CHECK(dialled.error().detail.find(to.to_string().substr(0, 60)) != std::string::npos);
  return dialled.error().kind;
}

TEST_CASE("dial: connects over TCP and Unix sockets", "[net]") {
  rt::Loop loop;
  const test::TempFolder folder;
  const bool unix_socket = GENERATE(false, true);
  const auto listener = listen_on(unix_socket ? "unix:" + folder.file("s") : "127.0.0.1:0", 1);
  REQUIRE(listener);
  auto dialled = test::run(loop, dial(loop, listener->bound, loop.now() + std::chrono::seconds(5)));
  REQUIRE(dialled);
  SocketStream& stream = **dialled;
  CHECK_FALSE(stream.io().may_read());  // nothing can have come yet
  test::send_now(stream.fd(), "hello");
  UniqueFd peer;
  // Handed over once its first bytes are there.
  REQUIRE(test::run_until(loop, [&] {
    peer = UniqueFd(accept4(listener->sockets[0].get(), nullptr, nullptr, SOCK_CLOEXEC));
    return static_cast<bool>(peer);
  }));
  CHECK(test::receive_now(peer.get()) == "hello");
}

TEST_CASE("dial: nobody listens", "[net]") {
  rt::Loop loop;
  const Bound deaf;
  const test::TempFolder folder;
  CHECK(failure(loop, deaf.address, std::chrono::seconds(5)) == ErrorKind::kConnectRefused);
  CHECK(failure(loop, {.path = folder.file("absent")}, std::chrono::seconds(5)) == ErrorKind::kConnectRefused);
  CHECK(failure(loop, {.path = folder.file(std::string(200, 'n'))}, std::chrono::seconds(5)) ==
        ErrorKind::kConnectFailed);
}

TEST_CASE("dial: a full backlog times out over TCP and refuses over a Unix socket", "[net]") {
  rt::Loop loop;
  const int before = test::open_descriptors();
  {
    const Bound full;
    REQUIRE(listen(full.fd.get(), 0) == 0);
    sockaddr_storage where{};
    const socklen_t length = full.address.to_sockaddr(where);
    std::vector<UniqueFd> waiting;
    for (int i = 0; i < 3; ++i) {
      waiting.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      connect(waiting.back().get(), reinterpret_cast<sockaddr*>(&where), length);
    }
    CHECK(failure(loop, full.address, milliseconds(3)) == ErrorKind::kConnectTimeout);
    // Given up half-way, it closes its socket.
    rt::Task<Result<std::unique_ptr<SocketStream>>> given_up = dial(loop, full.address, Instant::max());
    test::start(given_up);
    CHECK_FALSE(given_up.done());
    given_up.reset();
  }
  {
    const test::TempFolder folder;
    const Address path{.path = folder.file("full")};
    const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage where{};
    const socklen_t length = path.to_sockaddr(where);
    REQUIRE(bind(listener.get(), reinterpret_cast<sockaddr*>(&where), length) == 0);
    REQUIRE(listen(listener.get(), 0) == 0);
    const auto first = test::run(loop, dial(loop, path, Instant::max()));
    CHECK(first);
    CHECK(failure(loop, path, std::chrono::seconds(5)) == ErrorKind::kConnectRefused);
  }
  CHECK(test::open_descriptors() == before);
}

}  // namespace
}  // namespace rpx::net
