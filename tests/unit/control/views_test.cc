#include "control/views.h"

#include <catch2/catch.hpp>

using namespace rpx;
using namespace rpx::control;

namespace {

std::string route_json(const proxy::RouteOptions& route) {
  Json json;
  write_route(json, route);
  return json.take();
}

}  // namespace

TEST_CASE("views: the history of a server tells changes and checks, with the time of each phase", "[control]") {
  using namespace std::chrono_literals;
  proxy::HistoryView history;
  history.changes.push_back({WallTime{}, "unhealthy", "status 503"});
  history.checks.push_back({.at = WallTime{},
                            .good = false,
                            .why = "status 503",
                            .first_bytes = "HTTP/1.1 503",
                            .address = "127.0.0.1:1",
                            .status = 503,
                            .connect = 1ms,
                            .first_byte = 2ms,
                            .total = 3ms});
  history.checks.push_back({.at = WallTime{}, .why = "connection refused"});
  Json json;
  write_history(json, history);
  CHECK(json.text() ==
        R"({"changes":[{"time":"1970-01-01T00:00:00.000Z","state":"unhealthy","why":"status 503"}],"checks":[)"
        R"({"time":"1970-01-01T00:00:00.000Z","good":false,"why":"status 503","address":"127.0.0.1:1","status":503,)"
        R"("first_bytes":"HTTP/1.1 503","connect_s":0.001,"first_byte_s":0.002,"took_s":0.003},)"
        R"({"time":"1970-01-01T00:00:00.000Z","good":false,"why":"connection refused","address":"","status":null,)"
        R"("first_bytes":null,"connect_s":0,"first_byte_s":0,"took_s":0}]})");
}

TEST_CASE("views: a route says what it asks for and where it leads", "[control]") {
  proxy::RouteOptions route{.name = "api", .host = {"a.example"}, .path = "/v1/*", .methods = {"GET"}};
  route.header = {{"X-Version", "2"}};
  route.upstream = "app";
  route.origin = {"rpx.toml", 12};
  CHECK(route_json(route) ==
        R"({"name":"api","host":["a.example"],"path":"/v1/*","methods":["GET"],"header":{"X-Version":"2"},)"
        R"("action":"upstream","to":"app","status":null,"file":"rpx.toml","line":12})");
}

TEST_CASE("views: redirects and replies are actions of their own", "[control]") {
  proxy::RouteOptions redirect{.name = "old"};
  redirect.redirect = policy::RedirectOptions{.to = "https://b{path}", .status = 301};
  CHECK(route_json(redirect).find(
            R"("action":"redirect","to":"https://b{path}","status":301,"file":null,"line":null)") != std::string::npos);
  proxy::RouteOptions respond{.name = "ping"};
  respond.respond = policy::RespondOptions{.status = 204};
  CHECK(route_json(respond).find(R"("action":"respond","to":null,"status":204)") != std::string::npos);
}

TEST_CASE("views: status counts uptime in seconds and names every counter", "[control]") {
  proxy::StatusView status;
  status.started = WallTime(std::chrono::seconds(1'700'000'000));
  status.generation = 3;
  status.listeners = {{"web", "127.0.0.1:80"}};
  status.counters.requests = 9;
  status.counters.responses[2] = 8;
  status.counters.bytes_sent = 77;
  Json json;
  write_status(json, {"0.1.0", 7, "", "/c"}, status, status.started + std::chrono::milliseconds(1500), 4096);
  CHECK(
      json.text() ==
      R"({"version":"0.1.0","pid":7,"started":"2023-11-14T22:13:20.000Z","uptime":1.5,"config":null,"generation":3,)"
      R"("control":"/c","admin":null,"draining":false,"workers":0,"listeners":[{"name":"web","address":"127.0.0.1:80","tls":false,"mode":"http"}],)"
      R"("connections":0,"exchanges":0,"connections_accepted":0,"connections_refused":0,"connections_shed":0,"connections_half_open":0,"lag_s":0,"blocked":0,"denied":0,"banned":0,"unauthorized":0,"limited":0,)"
      R"("requests":9,)"
      R"("responses":{"none":0,"1xx":0,"2xx":8,"3xx":0,"4xx":0,"5xx":0},"bytes_received":0,"bytes_sent":77,)"
      R"("retries":0,"stale_leases":0,"hedges":0,"hedges_won":0,"mirrored":0,"mirror_failed":0,"mirror_dropped":0,"upstream_connects":0,"upgrades":0,"tcp_connections":0,"parse_errors":0,"compressed":{},)"
      R"("decompressed":{},"compressed_requests":{},"decompressed_requests":{},"memory":4096})");
}

TEST_CASE("views: this process keeps something in memory", "[control]") { CHECK(resident_bytes() > 100'000); }
