#include <catch2/catch.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "control/inside_fetch.h"
#include "fake_host.h"

using namespace rpx;
using namespace rpx::control;

TEST_CASE("inside fetch: a reply that breaks off is no reply", "[control]") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  FakeHost host;
  host.inside = rpx::net::UniqueFd(ends[0]);
  // Closed with the request still unread, which the other end sees as a reset once it has read what there is.
  std::thread server([other = rpx::net::UniqueFd(ends[1])] {
    pollfd watched{.fd = other.get(), .events = POLLIN, .revents = 0};
    constexpr std::string_view kReply = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome";
    if (poll(&watched, 1, 20'000) == 1) send(other.get(), kReply.data(), kReply.size(), MSG_NOSIGNAL);
  });
  const Fetched got = fetch_inside(host, fetch_of("http://a.test/").value(), 1000);
  server.join();
  CHECK(got.status == 0);
  CHECK(got.why == "the reply was cut short");
}
