// A pool and its servers for unit tests. On the test's own thread.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/listener.h"
#include "support/run.h"
#include "support/temp_folder.h"
#include "upstream/pool.h"

namespace rpx::upstream {

/// A pool over Unix sockets: connecting is immediate, and each server can be made deaf by closing its listener.
struct Setup {
  Setup() {
    set_log_sink([](LogLevel, std::string_view, std::initializer_list<LogField>) {}, LogLevel::kError);
    options.name = "app";
  }
  /// Names server `name`, listening unless `deaf`.
  void add(const std::string& name, bool backup = false, bool deaf = false) {
    ServerOptions server{.url = "unix:" + folder.file(name), .backup = backup};
    if (!deaf) listeners.push_back(net::listen_on(server.url, 1).value());
    auto target = parse_server_url(server.url).value();
    options.servers.push_back(server);
    servers.push_back(std::make_shared<Server>(options.name, server, std::move(target), resolver));
  }
  void configure() { pool.configure(options, servers); }
  Lease connect(Member& member) { return test::run(loop, pool.connect(member)).value(); }
  net::UniqueFd accept(std::size_t index) {
    return net::UniqueFd(accept4(listeners[index].sockets[0].get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }
  std::string name_of(Member* member) const {
    const std::string& url = Pool::server_of(*member)->url();
    return url.substr(url.rfind('/') + 1);
  }
  std::string pick_name(std::vector<Member*> tried = {}) {
    Member* member = pool.pick(tried);
    return member ? name_of(member) : "";
  }
  std::int64_t idle(std::size_t index) const { return servers[index]->counters().idle.load(); }
  std::int64_t active(std::size_t index) const { return servers[index]->counters().active.load(); }

  rt::Loop loop;
  test::TempFolder folder;
  net::Resolver resolver;
  UpstreamOptions options;
  std::vector<std::shared_ptr<Server>> servers;
  std::vector<net::Listener> listeners;
  Pool pool{loop, 0};
};

}  // namespace rpx::upstream
