// A worker driven by the test's own thread, an origin beside it on the same loop that answers by a script, and
// client connections over socket pairs. Nothing here depends on time: each round of the loop moves everybody on.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "net/listener.h"
#include "proxy/connection.h"
#include "proxy/site.h"
#include "proxy/worker.h"
#include "rt/group.h"
#include "support/run.h"
#include "support/streams.h"
#include "support/temp_folder.h"

namespace rpx::proxy {

/// What an origin does with one connection.
using Script = std::function<rt::Task<>(net::SocketStream&)>;

/// Accepts on a Unix socket and runs `script` on each connection.
class ScriptedOrigin {
 public:
  ScriptedOrigin(rt::Loop& loop, const std::string& path, Script script)
      : listener_(net::listen_on("unix:" + path, 1).value()),
        io_(loop, listener_.sockets[0].get()),
        script_(std::move(script)),
        tasks_(loop) {
    tasks_.spawn(accept_all());
  }
  int accepted() const noexcept { return accepted_; }
  /// Ends every connection that is open.
  void hang_up() {
    tasks_.cancel_all();
    tasks_.spawn(accept_all());
  }

 private:
  rt::Task<> accept_all() {
    for (;;) {
      net::UniqueFd fd(accept4(io_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd) {
        ++accepted_;
        tasks_.spawn(serve(std::move(fd)));
        continue;
      }
      io_.cleared_read();
      co_await io_.readable(Instant::max());
    }
  }
  rt::Task<> serve(net::UniqueFd fd) {
    net::SocketStream stream(io_.loop(), std::move(fd));
    co_await script_(stream);
  }

  net::Listener listener_;
  rt::Pollable io_;
  Script script_;
  int accepted_ = 0;
  rt::TaskGroup tasks_;
};

/// Reads until `ending` has come, after what `seen` holds already; false at the end of the stream.
inline rt::Task<bool> read_past(net::SocketStream& stream, std::string& seen, std::string_view ending) {
  char bytes[4096];
  while (seen.find(ending) == std::string::npos) {
    const net::IoResult got = stream.try_read(bytes);
    if (got.state == net::IoState::kDone)
      seen.append(bytes, got.bytes);
    else if (got.state == net::IoState::kWouldBlock)
      co_await stream.io().readable(Instant::max());
    else
      co_return false;
  }
  seen.erase(0, seen.find(ending) + ending.size());
  co_return true;
}

/// Answers each request that ends in `ending` with `reply`, `piece` bytes a round, and keeps the connection.
inline Script answers(std::string ending, std::string reply, std::size_t piece) {
  return [=](net::SocketStream& stream) -> rt::Task<> {
    std::string seen;
    while (co_await read_past(stream, seen, ending)) co_await test::feed(stream, reply, piece, false);
  };
}

struct LiveWorker {
  LiveWorker() {
    set_log_sink([](LogLevel, std::string_view, std::initializer_list<LogField>) {}, LogLevel::kError);
    options.upstreams.push_back({.name = "app"});
    options.routes.push_back({.name = "all", .upstream = "app"});
    auto made = std::make_shared<ListenerFacts>();
    made->options.name = "web";
    facts = std::move(made);
  }
  std::string path(const std::string& name) const { return folder.file(name); }
  void add_server(const std::string& name) { options.upstreams[0].servers.push_back({.url = "unix:" + path(name)}); }
  /// Builds a site from `options` and hands it to the worker.
  void take_up() {
    auto site = Site::build(options, previous.lock().get(), resolver);
    if (!site) throw std::runtime_error(site.error().detail);
    previous = *site;
    worker.set_site(*std::move(site), nullptr);
    test::settle(worker.loop());
  }
  /// A client's connection, served by the task that is returned once it is started.
  rt::Task<> serve(net::UniqueFd fd) {
    limits.enter(1000);
    Accepted from{std::move(fd), IpAddress::v4(0xC0000201), 4711, facts};
    co_await serve_connection(worker, std::move(from));
  }
  upstream::Server::Counters& server(std::size_t index = 0) {
    return worker.live()->site->upstreams()[0].servers[index]->counters();
  }

  test::TempFolder folder;
  net::Resolver resolver;
  ConnectionLimits limits;
  rt::Offload offload{2, 64};
  Worker worker{0, limits, offload};
  SiteOptions options;
  std::weak_ptr<const Site> previous;
  std::shared_ptr<const ListenerFacts> facts;
};

}  // namespace rpx::proxy
