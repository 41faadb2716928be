#include "control/server.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <thread>

#include "control/client.h"
#include "control/routes.h"
#include "fake_host.h"
#include "support/temp_folder.h"

using namespace rpx;
using namespace rpx::control;
using namespace std::chrono_literals;

namespace {

struct Running {
  test::TempFolder dir;
  FakeHost host;
  std::string path = dir.file("c.sock");
  std::unique_ptr<Server> server;
  Client client{path, 5s};

  Running() {
    auto socket = SocketFile::listen_at(path);
    REQUIRE(socket);
    auto started = Server::start(*std::move(socket), host);
    REQUIRE(started);
    server = *std::move(started);
  }
  /// What the host was last given to check; ends the server, whose threads wrote it.
  const std::string& checked() {
    server.reset();
    return host.checked;
  }
};

// Everything that comes back for `bytes` until the server closes.
std::string raw_exchange(const std::string& path, const std::string& bytes) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(fd);
  return answer;
}

}  // namespace

TEST_CASE("server: calls are answered over the Unix socket", "[control]") {
  Running it;
  const auto status = it.client.ask("GET", "/v1/status");
  REQUIRE(status);
  CHECK(status->status == 200);
  CHECK(status->content_type == "application/json");
  CHECK(status->body.starts_with(R"({"version":"0.1.0","pid":42)"));
  const auto missing = it.client.ask("GET", "/v1/no");
  REQUIRE(missing);
  CHECK(missing->status == 404);
  CHECK(missing->content_type == "application/problem+json");
  const auto checked = it.client.ask("POST", "/v1/config/check", "a = 1", "application/toml");
  REQUIRE(checked);
  CHECK(it.checked() == "a = 1");
}

TEST_CASE("server: a connection carries several calls, and HEAD no body", "[control]") {
  Running it;
  const std::string answer = raw_exchange(it.path,
                                          "HEAD /v1/status HTTP/1.1\r\nHost: rpx\r\n\r\n"
                                          "DELETE /v1/reload HTTP/1.1\r\nHost: rpx\r\nConnection: close\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.find("HTTP/1.1 405 Method Not Allowed\r\n") != std::string::npos);
  CHECK(answer.find("Allow: POST\r\n") != std::string::npos);
  CHECK(answer.find("\"version\"") == std::string::npos);
}

TEST_CASE("server: a POST that announces no body has none", "[control][rfc9112-6.3]") {
  Running it;
  const std::string answer = raw_exchange(it.path,
                                          "POST /v1/reload HTTP/1.1\r\nHost: rpx\r\n\r\n"
                                          "POST /v1/reload HTTP/1.1\r\nHost: rpx\r\nConnection: close\r\n\r\n");
  CHECK(answer.find("\"generation\":2") != answer.rfind("\"generation\":2"));
}

TEST_CASE("server: a body may come in chunks", "[control]") {
  Running it;
  const std::string answer = raw_exchange(
      it.path,
      "POST /v1/config/check HTTP/1.1\r\nHost: rpx\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "4\r\na = \r\n1\r\n1\r\n0\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(it.checked() == "a = 1");
}

TEST_CASE("server: a body that is too long is refused before it is read", "[control]") {
  Running it;
  const std::string answer =
      raw_exchange(it.path, "POST /v1/config/check HTTP/1.1\r\nHost: rpx\r\nContent-Length: 16777217\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 413 "));
  CHECK(answer.find("a body has at most 16777216 bytes here") != std::string::npos);
}

TEST_CASE("server: a body may be as long as is said", "[control]") {
  Running it;
  const auto checked = it.client.ask("POST", "/v1/config/check", std::string(kMaxBody, '#'), "application/toml");
  REQUIRE(checked);
  CHECK(checked->status == 200);
  CHECK(it.checked().size() == kMaxBody);
}

TEST_CASE("server: many may ask at once", "[control]") {
  Running it;
  std::vector<std::thread> askers;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 8; ++i) {
    askers.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        const auto answer = it.client.ask("GET", "/v1/upstreams");
        if (answer && answer->status == 200) ++answered;
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  CHECK(answered == 40);
}

TEST_CASE("server: it ends at once, idle connections or not", "[control]") {
  Running it;
  REQUIRE(it.client.ask("GET", "/v1/status"));
  const auto begun = std::chrono::steady_clock::now();
  it.server.reset();
  CHECK(std::chrono::steady_clock::now() - begun < 200ms);
  CHECK_FALSE(std::filesystem::exists(it.path));
  const auto gone = it.client.ask("GET", "/v1/status");
  REQUIRE_FALSE(gone);
  CHECK(gone.error().kind == ErrorKind::kConnectRefused);
  CHECK(gone.error().detail ==
        "cannot reach the proxy at " + it.path + ": no such file or directory; is rpx-serve running?");
}

TEST_CASE("client: a socket that does not answer is a timeout", "[control]") {
  const test::TempFolder dir;
  const auto silent = SocketFile::listen_at(dir.file("c.sock"));
  REQUIRE(silent);
  const auto answer = Client(dir.file("c.sock"), 50ms).ask("GET", "/v1/status");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::kResponseTimeout);
}
