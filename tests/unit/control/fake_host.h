// A Host over plain values that remembers what it was asked. For the tests of control/; one thread, or several that
// only read.
#pragma once

#include <string>

#include "control/host.h"

namespace rpx::control {

class FakeHost : public Host {
 public:
  FakeHost() {
    auto made = std::make_shared<proxy::SiteOptions>();
    for (int i = 0; i < 5; ++i) {
      auto& route = made->routes.emplace_back();
      route.name = "r" + std::to_string(i);
      route.upstream = "app";
    }
    site = made;
    pools.push_back(
        {.name = "app", .balance = "round_robin", .servers = {{.url = "http://127.0.0.1:1", .state = "up"}}});
    pools.push_back({.name = "http://a/b", .balance = "first"});
    state.listeners.push_back({"web", "127.0.0.1:8080"});
  }

  Identity identity() override { return {"0.1.0", 42, "/etc/rpx/rpx.toml", "/run/rpx/control.sock"}; }
  proxy::StatusView status() override { return state; }
  std::vector<proxy::UpstreamView> upstreams() override { return pools; }
  Result<proxy::Explanation> explain(const proxy::ExplainQuestion& question) override {
    explained = question;
    return proxy::Explanation{.steps = {{"route", "ends", "none matches"}}, .status = 404};
  }
  Result<proxy::HistoryView> server_history(std::string_view, std::string_view server) override {
    if (server != "http://127.0.0.1:1") return self_error(ErrorKind::kNotFound, "no such server");
    return past;
  }
  Status change_server(const proxy::ServerChange& change) override {
    if (change.server != "http://127.0.0.1:1") return self_error(ErrorKind::kNotFound, "no such server");
    if (change.state && !change.force) return self_error(ErrorKind::kNoServer, "the last one");
    changed = change;
    return {};
  }
  Status add_server(const proxy::ServerAddition& addition) override {
    if (addition.upstream != "app") return self_error(ErrorKind::kNotFound, "no such upstream");
    if (addition.persist) return self_error(ErrorKind::kConfig, "no file");
    pools[0].servers.push_back({.url = addition.server.url, .state = "up", .weight = addition.server.weight});
    return {};
  }
  Status remove_server(const proxy::ServerRemoval& removal) override {
    if (removal.server != "http://127.0.0.1:1") return self_error(ErrorKind::kNotFound, "no such server");
    if (!removal.force) return self_error(ErrorKind::kNoServer, "the last one");
    pools[0].servers.clear();
    return {};
  }
  std::vector<proxy::ConnectionView> connections(std::size_t limit) override {
    asked_connections = limit;
    return std::vector<proxy::ConnectionView>(std::min(limit, live));
  }
  std::string metrics() override { return "rpx_requests_total 3\n"; }
  std::shared_ptr<const proxy::SiteOptions> options() override { return site; }
  std::shared_ptr<proxy::Certificates> certificates() override { return held; }
  proxy::AcmeView acme() override { return by_acme; }
  Result<std::vector<std::string>> renew_by_acme(const std::string& name) override {
    if (!name.empty() && name != "a.test") return self_error(ErrorKind::kNotFound, "no such name");
    return std::vector<std::string>{"a.test"};
  }
  std::shared_ptr<tls::Challenges> challenges() override { return open_challenges; }
  std::vector<std::shared_ptr<cache::Store>> caches() override { return stores; }
  std::shared_ptr<const proxy::Site> live_site() override { return built; }
  std::shared_ptr<const proxy::Site> built;
  Result<net::UniqueFd> connect_inside() override {
    if (!inside) return self_error(ErrorKind::kIo, "no more descriptors");
    return std::move(inside);
  }
  net::UniqueFd inside;
  std::shared_ptr<const policy::BlockTable> blocklist() override { return blocks; }
  Result<policy::BlockOutcome> edit_blocklist(policy::BlockEdit edit) override {
    if (!blocks) return self_error(ErrorKind::kNotFound, "the configuration has no [blocklist]");
    edited = std::move(edit);
    return policy::BlockOutcome{.added = edited.add.size(), .deleted = edited.del.size()};
  }
  std::string effective_config() override { return R"({"serve":{}})"; }
  std::expected<Reloaded, std::vector<config::Problem>> reload() override {
    if (!refused.empty()) return std::unexpected(refused);
    return Reloaded{.generation = 2, .changes = {"route \"r0\": changed"}, .warnings = {}};
  }
  Checked check(std::string_view text) override {
    checked = text;
    return {.problems = refused, .changes = {"one"}};
  }
  Result<std::int64_t> upgrade() override { return 43; }
  void stop(std::optional<Duration> grace) override {
    ++stops;
    stop_grace = grace;
  }

  std::shared_ptr<const proxy::SiteOptions> site;
  proxy::StatusView state;
  proxy::HistoryView past;
  proxy::ExplainQuestion explained;
  std::vector<proxy::UpstreamView> pools;
  std::vector<config::Problem> refused;
  std::size_t live = 0;
  std::size_t asked_connections = 0;
  std::vector<std::shared_ptr<cache::Store>> stores;
  proxy::AcmeView by_acme;
  std::shared_ptr<tls::Challenges> open_challenges = std::make_shared<tls::Challenges>();
  std::shared_ptr<proxy::Certificates> held;
  std::shared_ptr<const policy::BlockTable> blocks;
  policy::BlockEdit edited;
  std::string checked;
  std::optional<proxy::ServerChange> changed;
  int stops = 0;
  std::optional<Duration> stop_grace;
};

}  // namespace rpx::control
