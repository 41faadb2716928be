#include "upstream/health.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "net/listener.h"
#include "support/run.h"
#include "support/temp_folder.h"
#include "upstream/probe.h"

namespace rpx::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("health: fall failures in a row take a server out, rise good ones bring it back", "[upstream]") {
  HealthCount count(true, 2, 3);
  struct Step {
    bool good;
    bool changes;
    bool healthy;
    bool changing;
  };
  const Step steps[] = {{false, false, true, true},   {false, false, true, true}, {true, false, true, false},
                        {false, false, true, true},   {false, false, true, true}, {false, true, false, false},
                        {false, false, false, false}, {true, false, false, true}, {false, false, false, false},
                        {true, false, false, true},   {true, true, true, false}};
  for (const Step& step : steps) {
    CHECK(count.note(step.good) == step.changes);
    CHECK(count.healthy() == step.healthy);
    CHECK(count.changing() == step.changing);
  }
}

TEST_CASE("health: probes are a tenth early or late, and five times as frequent while the state changes",
          "[upstream]") {
  HealthOptions options;
  options.interval = seconds(10);
  CHECK(next_probe(options, false, 0) == seconds(9));
  CHECK(next_probe(options, false, 1) == seconds(11));
  CHECK(next_probe(options, true, 0.5) == seconds(2));
  options.interval = milliseconds(200);
  CHECK(next_probe(options, true, 0.5) == milliseconds(100));
  options.interval = milliseconds(20);
  CHECK(next_probe(options, true, 0.5) == milliseconds(20));
}

TEST_CASE("health: statuses are single or ranges", "[upstream]") {
  for (const char* good : {"200", "100-599", "204-204"}) CHECK(is_status_range(good));
  for (const char* bad : {"", "2xx", "99", "600", "300-200", "200-", "-200", "200-300-400"})
    CHECK_FALSE(is_status_range(bad));
  CHECK(status_matches({"200-299", "404"}, 404));
  CHECK(status_matches({"200-299", "404"}, 299));
  CHECK_FALSE(status_matches({"200-299", "404"}, 300));
}

// A server on a Unix socket that says `reply` to whoever connects, then closes.
struct Talker {
  explicit Talker(std::string what) : reply(std::move(what)) {
    address.path = folder.file("s");
    listener = net::listen_on("unix:" + address.path, 1).value();
  }
  ProbeResult ask(HealthOptions options) {
    rt::Task<ProbeResult> task = probe(loop, {{address}, "h.example"}, std::move(options));
    test::start(task);
    net::UniqueFd peer;
    CHECK(test::run_until(loop, [&] {
      if (!peer)
        peer = net::UniqueFd(accept4(listener.sockets[0].get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (peer && !answered && !reply.empty()) {
        char heard[4096];
        const ssize_t count = recv(peer.get(), heard, sizeof heard, 0);
        if (count > 0) {
          request.assign(heard, static_cast<std::size_t>(count));
          answered = send(peer.get(), reply.data(), reply.size(), MSG_NOSIGNAL) > 0;
        }
      }
      return task.done();
    }));
    return task.take();
  }
  std::string reply;
  std::string request;
  bool answered = false;
  rt::Loop loop;
  test::TempFolder folder;
  Address address;
  net::Listener listener;
};

TEST_CASE("probe: asks what it is told and judges by status and body", "[upstream]") {
  HealthOptions options;
  options.path = "/healthz?deep=1";
  options.headers = {{"Host", "app.example"}, {"X-Probe", "1"}};
  options.body = "ok";
  Talker talker("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nall ok\n");
  const ProbeResult result = talker.ask(options);
  CHECK(result.good);
  CHECK(result.status == 200);
  CHECK(result.first_bytes == "HTTP/1.1 200 OK all ok ");
  CHECK(talker.request.starts_with("GET /healthz?deep=1 HTTP/1.1\r\n"));
  CHECK(talker.request.find("Host: app.example\r\n") != std::string::npos);
  CHECK(talker.request.find("h.example") == std::string::npos);
  CHECK(talker.request.find("X-Probe: 1\r\n") != std::string::npos);
}

TEST_CASE("probe: says why a server is not well", "[upstream]") {
  struct Row {
    const char* reply;
    const char* why;
  };
  const Row row = GENERATE(Row{"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "status 503"},
                           Row{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", "status 200, body without \"fine\""});
  HealthOptions options;
  options.body = "fine";
  const ProbeResult result = Talker(row.reply).ask(options);
  CHECK_FALSE(result.good);
  CHECK(result.why == row.why);
}

TEST_CASE("probe: what is no HTTP fails and is shown", "[upstream]") {
  const ProbeResult result = Talker("SSH-2.0-OpenSSH_9\r\n\r\n").ask({});
  CHECK_FALSE(result.good);
  CHECK(result.first_bytes.starts_with("SSH-2.0-OpenSSH_9"));
}

TEST_CASE("probe: a server that does not answer costs the timeout and no more", "[upstream]") {
  HealthOptions options;
  options.timeout = milliseconds(50);
  const ProbeResult result = Talker("").ask(options);
  CHECK_FALSE(result.good);
  CHECK(result.total >= milliseconds(50));
  CHECK(result.total < seconds(2));
}

TEST_CASE("probe: tcp is content with a connection; a deaf socket is not enough", "[upstream]") {
  HealthOptions options;
  options.tcp = true;
  Talker talker("");
  CHECK(talker.ask(options).good);
  talker.listener.sockets.clear();
  const ProbeResult refused = test::run(talker.loop, probe(talker.loop, {{talker.address}, "h"}, options));
  CHECK_FALSE(refused.good);
  CHECK(refused.why.find("efused") != std::string::npos);
}

TEST_CASE("server state: what checks and operators say adds up", "[upstream]") {
  ServerState state;
  const Instant now = std::chrono::steady_clock::now();
  CHECK(state.usable());
  CHECK(state.set_healthy(false, now, {}));
  CHECK_FALSE(state.set_healthy(false, now, {}));
  CHECK_FALSE(state.usable());
  CHECK(state.allowed());
  state.set_admin(Admin::kDrain, Instant::max());
  CHECK_FALSE(state.allowed());
  CHECK(state.set_healthy(true, now, {}));
  CHECK_FALSE(state.usable());
  CHECK(state.keeps_sessions());
  state.set_admin(Admin::kMaint, now + seconds(5));
  CHECK_FALSE(state.keeps_sessions());
  CHECK_FALSE(state.expire(now + seconds(4)));
  CHECK(state.expire(now + seconds(5)));
  CHECK_FALSE(state.expire(now + seconds(5)));
  CHECK(state.usable());
}

TEST_CASE("server state: the share rises with time after a recovery", "[upstream]") {
  ServerState state;
  state.set_weight(2);
  const Instant now = std::chrono::steady_clock::now();
  CHECK(state.share(now) == 200);
  state.set_healthy(false, now, seconds(10));
  state.set_healthy(true, now, seconds(10));
  CHECK(state.share(now) == 1);
  CHECK(state.share(now + seconds(5)) == 100);
  CHECK(state.share(now + seconds(10)) == 200);
  CHECK(state.share(now + seconds(99)) == 200);
}

TEST_CASE("server state: another configuration of the same server keeps what is known", "[upstream]") {
  ServerState before;
  before.set_weight(7);
  before.set_admin(Admin::kDrain, Instant::max());
  ServerState same;
  same.set_weight(1);
  same.inherit(before, 1);
  CHECK(same.admin() == Admin::kDrain);
  CHECK(same.weight() == 7);
  ServerState other;
  other.set_weight(3);
  other.inherit(before, 1);
  CHECK(other.weight() == 3);
}

}  // namespace
}  // namespace rpx::upstream
