#include "control/routes.h"

#include <sys/socket.h>
#include <catch2/catch.hpp>

#include <algorithm>

#include "base/log.h"
#include "cache/snapshot.h"
#include "fake_host.h"
#include "net/resolver.h"
#include "proxy/site.h"

using namespace rpx;
using namespace rpx::control;

namespace {

Reply ask(Host& host, std::string method, std::string target, std::string body = {}) {
  return dispatch(host,
                  {.method = std::move(method), .target = std::move(target), .body = std::move(body), .asker = {7, 8}});
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// A connection whose other end, kept in `other`, has answered already.
rpx::net::UniqueFd answered(rpx::net::UniqueFd& other) {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  other = rpx::net::UniqueFd(ends[1]);
  constexpr std::string_view kReply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  REQUIRE(send(other.get(), kReply.data(), kReply.size(), 0) == static_cast<ssize_t>(kReply.size()));
  return rpx::net::UniqueFd(ends[0]);
}

std::string logged;
void remember(LogLevel, std::string_view message, std::initializer_list<LogField> fields) {
  append_key_values(logged, message, fields);
  logged += '\n';
}

}  // namespace

TEST_CASE("routes: every call of the table answers", "[control]") {
  FakeHost host;
  rpx::net::UniqueFd other_end;
  rpx::net::Resolver resolver;
  proxy::SiteOptions options;
  options.faults.push_back({.name = "app"});
  options.routes.push_back({.name = "app", .respond = policy::RespondOptions{}, .compress = "", .fault = "app"});
  host.built = proxy::Site::build(options, nullptr, resolver).value();
  host.blocks = policy::BlockTable::Builder(WallTime{}).build({}, 0, nullptr);
  host.held = proxy::Certificates::build({}, {}, nullptr).value();
  host.stores.push_back(std::make_shared<cache::Store>("app", 1 << 20));
  cache::NewEntry stored;
  stored.url = "http://a/";
  stored.body = std::make_shared<const std::string>("text\n");
  host.stores.front()->put(cache::Entry::make(std::move(stored), {}, ""));
  for (const Call& call : calls()) {
    INFO(call.method << ' ' << call.pattern);
    std::string target(call.pattern);
    if (target.ends_with("/entry") || target.ends_with("/body")) target += "?url=http://a/";
    for (const auto& [part, value] :
         {std::pair("{name}", "app"), std::pair("{url}", "http:%2F%2F127.0.0.1:1"), std::pair("{token}", "token-1")})
      if (const auto at = target.find(part); at != std::string::npos)
        target.replace(at, std::string_view(part).size(), value);
    // These do nothing without being told to whom.
    std::string body;
    if (target == "/v1/blocklist" && call.takes_body) body = R"({"prefix":"192.0.2.1"})";
    if (target == "/v1/blocklist/test") body = R"({"ip":"192.0.2.1"})";
    if (target.ends_with("/purge")) body = R"({"tag":"none"})";
    if (target.ends_with("/warm")) body = R"({"urls":["http://a/"]})";
    if (target == "/v1/explain") body = R"({"url":"http://a.test/"})";
    if (call.method == "POST" && target.ends_with("/snapshot")) body = cache::snapshot_end(0);
    if (target == "/v1/leaks") {
      body = R"({"url":"http://a.test/"})";
      host.inside = answered(other_end);
    }
    if (call.method == "PUT") body = target.starts_with("/v1/faults/") ? R"({"seed":2})" : R"({"enabled":true})";
    if (call.method == "PUT" && target.starts_with("/v1/acme/"))
      body = R"({"name":"a.test","key_authorization":"token-1.print"})";
    if (call.method == "PATCH") body = R"({"weight":2})";
    if (call.method == "POST" && target.ends_with("/servers")) body = R"({"url":"http://127.0.0.1:2"})";
    if (call.method == "DELETE" && target.find("/servers/") != std::string::npos) target += "?force=true";
    const Reply reply = ask(host, std::string(call.method), target, body);
    CHECK((reply.status >= 200 && reply.status <= 202));
    const bool binary = reply.content_type == "application/octet-stream";
    CHECK((reply.events || binary || reply.body.ends_with('\n')));
    CHECK_FALSE(call.doc.empty());
  }
}

TEST_CASE("routes: HEAD is answered where GET is, and absolute targets are paths too", "[control]") {
  FakeHost host;
  CHECK(ask(host, "HEAD", "/v1/status").status == 200);
  CHECK(ask(host, "GET", "http://rpx/v1/status").status == 200);
  CHECK(ask(host, "GET", "http://rpx").status == 404);
}

TEST_CASE("routes: what cannot be answered is problem+json with the right status", "[control][rfc9457]") {
  struct Row {
    std::string method, target, body;
    int status;
    std::string detail;
  };
  const Row rows[] = {
      {"GET", "/v1/nothing", "", 404, "no call is named /v1/nothing; rpx-control(7) lists them"},
      {"GET", "/v1/status/", "", 404, "no call is named /v1/status/"},
      {"GET", "/v1/upstreams/none", "", 404, "no upstream is named \\\"none\\\""},
      {"GET", "/v1/status?x=1", "", 400, "unknown query parameter \\\"x\\\"; this call takes none"},
      {"GET", "/v1/routes?limit=0", "", 400, "limit \\\"0\\\" is no number from 1 to 1000"},
      {"GET", "/v1/routes?cursor=-1", "", 400, "cursor \\\"-1\\\" is no number"},
      {"GET", "/v1/routes?page=2", "", 400, "this call takes limit and cursor"},
      {"GET", "/v1/%zz", "", 400, "the target cannot be read"},
      {"GET", "/v1/events?kinds=server,bans", "", 400,
       "no event is named \\\"bans\\\"; there are server, ejection, reload, config_error, ban, blocklist, certificate, "
       "access"},
      {"POST", "/v1/explain", "{}", 400, "this call needs url"},
      {"POST", "/v1/explain", R"({"client":"x"})", 400, "is no address"},
      {"POST", "/v1/explain", R"({"uri":"x"})", 400, "this call takes method, url, headers and client"},
      {"GET", "status", "", 400, "begins with /"},
      {"GET", "/v1/status", "{}", 400, "this call takes no body"},
      {"POST", "/v1/stop", "{\"grace\":\"x\"}", 400, "grace is a number of seconds"},
      {"POST", "/v1/stop", "{\"grace\":-1}", 400, "grace is a number of seconds"},
      {"POST", "/v1/stop", "{\"grace\":1e300}", 400, "grace is a number of seconds"},
      {"POST", "/v1/stop", "{\"graze\":1}", 400, "unknown member \\\"graze\\\"; this call takes grace"},
      {"POST", "/v1/stop", "[1]", 400, "the body is no JSON object"},
      {"POST", "/v1/stop", "{", 400, "the body is no JSON"},
      {"POST", "/v1/status", "", 405, "/v1/status cannot be asked with POST; GET, HEAD can"},
      {"DELETE", "/v1/reload", "", 405, "POST can"},
  };
  for (const Row& row : rows) {
    INFO(row.method << ' ' << row.target << ' ' << row.body);
    FakeHost host;
    const Reply reply = ask(host, row.method, row.target, row.body);
    CHECK(reply.status == row.status);
    CHECK(reply.content_type == "application/problem+json");
    CHECK(reply.body.starts_with(R"({"type":"about:blank","title":")"));
    CHECK(holds(reply.body, "\"status\":" + std::to_string(row.status)));
    INFO(reply.body);
    CHECK(holds(reply.body, row.detail));
    CHECK(host.stops == 0);
    CHECK(reply.allow.empty() == (row.status != 405));
  }
}

TEST_CASE("routes: lists come in pages that follow one another to the end", "[control]") {
  FakeHost host;
  CHECK(holds(ask(host, "GET", "/v1/routes").body, "\"next\":null"));
  std::string cursor = "0";
  std::string seen;
  for (int round = 0; round < 3; ++round) {
    const std::string body = ask(host, "GET", "/v1/routes?limit=2&cursor=" + cursor).body;
    for (int i = 0; i < 5; ++i) {
      if (holds(body, "\"name\":\"r" + std::to_string(i) + '"')) seen += std::to_string(i);
    }
    seen += '|';
    const auto at = body.find("\"next\":\"");
    cursor = at == std::string::npos ? "end" : body.substr(at + 8, 1);
  }
  CHECK(seen == "01|23|4|");
  CHECK(cursor == "end");
  CHECK(ask(host, "GET", "/v1/routes?cursor=99").body == "{\"items\":[],\"next\":null}\n");
}

TEST_CASE("routes: connections are asked for no further than the page shows", "[control]") {
  FakeHost host;
  host.live = 50;
  CHECK(holds(ask(host, "GET", "/v1/connections?limit=10&cursor=20").body, "\"next\":\"30\""));
  CHECK(host.asked_connections == 31);
  CHECK(holds(ask(host, "GET", "/v1/connections?limit=10&cursor=40").body, "\"next\":null"));
}

TEST_CASE("routes: an upstream may be named by an URL", "[control]") {
  FakeHost host;
  CHECK(holds(ask(host, "GET", "/v1/upstreams/http%3A%2F%2Fa%2Fb").body, "\"name\":\"http://a/b\""));
}

TEST_CASE("routes: a reload tells what changed", "[control]") {
  FakeHost host;
  const Reply reply = ask(host, "POST", "/v1/reload");
  CHECK(reply.status == 200);
  CHECK(reply.body == R"({"generation":2,"changes":["route \"r0\": changed"],"warnings":[]})"
                      "\n");
}

TEST_CASE("routes: a refused reload names file, line and column", "[control][rfc9457]") {
  FakeHost host;
  host.refused = {{.file = "a.toml", .line = 3, .column = 1, .message = "odd", .warning = true},
                  {.file = "b.toml", .line = 12, .column = 9, .message = "unknown key \"adress\""}};
  const Reply reply = ask(host, "POST", "/v1/reload");
  CHECK(reply.status == 422);
  CHECK(reply.content_type == "application/problem+json");
  CHECK(reply.body ==
        R"({"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"unknown key \"adress\"",)"
        R"("file":"b.toml","line":12,"column":9,"problems":[)"
        R"({"file":"a.toml","line":3,"column":1,"message":"odd","warning":true},)"
        R"({"file":"b.toml","line":12,"column":9,"message":"unknown key \"adress\"","warning":false}]})"
        "\n");
}

TEST_CASE("routes: a check answers problems and changes alike", "[control]") {
  FakeHost host;
  host.refused = {{.message = "no listener", .warning = false}};
  const Reply reply = ask(host, "POST", "/v1/config/check", "listen = 1\n");
  CHECK(host.checked == "listen = 1\n");
  CHECK(
      reply.body ==
      R"({"problems":[{"file":"","line":null,"column":null,"message":"no listener","warning":false}],"changes":["one"]})"
      "\n");
}

TEST_CASE("routes: stop takes a grace in seconds, or the configured one", "[control]") {
  FakeHost host;
  CHECK(ask(host, "POST", "/v1/stop").status == 202);
  CHECK_FALSE(host.stop_grace);
  CHECK(ask(host, "POST", "/v1/stop", "{\"grace\": 0.25}").body == "{\"stopping\":true,\"pid\":42}\n");
  CHECK(host.stop_grace == std::chrono::milliseconds(250));
  CHECK(host.stops == 2);
}

TEST_CASE("routes: each change is logged with who asked", "[control]") {
  set_log_sink(remember, LogLevel::kInfo);
  logged.clear();
  FakeHost host;
  ask(host, "POST", "/v1/reload");
  ask(host, "POST", "/v1/stop");
  ask(host, "GET", "/v1/status");
  CHECK(holds(logged, "uid=7 pid=8"));
  CHECK(std::ranges::count(logged, '\n') == 2);
  set_log_sink([](LogLevel, std::string_view, std::initializer_list<LogField>) {}, LogLevel::kError);
}

TEST_CASE("routes: a server is changed as the body says, and a wrong body changes nothing", "[control]") {
  constexpr const char* kServer = "/v1/upstreams/app/servers/http:%2F%2F127.0.0.1:1";
  FakeHost host;
  set_log_sink(remember, LogLevel::kInfo);
  logged.clear();
  CHECK(ask(host, "PATCH", kServer, R"({"state":"maint","for":60,"force":true,"weight":3})").status == 200);
  REQUIRE(host.changed);
  CHECK(host.changed->upstream == "app");
  CHECK(host.changed->server == "http://127.0.0.1:1");
  CHECK(host.changed->state == upstream::Admin::kMaint);
  CHECK(host.changed->lasting == std::chrono::seconds(60));
  CHECK(host.changed->weight == 3);
  CHECK(holds(logged, "maint for 1m, weight 3"));
  host.changed.reset();
  struct Row {
    std::string body;
    int status;
    std::string detail;
  };
  const Row rows[] = {
      {"", 400, "neither state nor weight"},
      {"{}", 400, "neither state nor weight"},
      {R"({"state":"up"})", 400, "state is"},
      {R"({"state":1})", 400, "state is"},
      {R"({"weight":0})", 400, "weight is a number from 1 to 65535"},
      {R"({"weight":65536})", 400, "weight is"},
      {R"({"weight":true})", 400, "weight is"},
      {R"({"weight":1,"force":1})", 400, "force is true or false"},
      {R"({"weight":1,"for":1})", 400, "for goes with"},
      {R"({"state":"ready","for":1})", 400, "for goes with"},
      {R"({"state":"drain","for":-1})", 400, "for is a number of seconds"},
      {R"({"speed":1})", 400, "unknown member"},
      {"[]", 400, "no JSON object"},
      {R"({"state":"drain"})", 409, "\\\"force\\\": true"},
  };
  for (const Row& row : rows) {
    INFO(row.body);
    const Reply reply = ask(host, "PATCH", kServer, row.body);
    CHECK(reply.status == row.status);
    INFO(reply.body);
    CHECK(holds(reply.body, row.detail));
  }
  CHECK_FALSE(host.changed);
  CHECK(ask(host, "PATCH", "/v1/upstreams/app/servers/x", R"({"weight":1})").status == 404);
  set_log_sink([](LogLevel, std::string_view, std::initializer_list<LogField>) {}, LogLevel::kError);
}

TEST_CASE("routes: over TCP what a cache holds takes the token, by whatever name it is asked for", "[control]") {
  FakeHost host;
  const auto status = [&](std::string method, std::string target, bool has_token) {
    return dispatch(host, {.method = std::move(method),
                           .target = std::move(target),
                           .body = {},
                           .asker = {.address = "192.0.2.1", .has_token = has_token}})
        .status;
  };
  for (const char* target : {"/v1/cache/none/body?url=x", "/v1/cache/none/snapshot", "/v1/cache/none/%73napshot",
                             "http://rpx/v1/cache/none/snapshot"})
    for (const char* method : {"GET", "HEAD"}) {
      CHECK(status(method, target, false) == 403);
      CHECK(status(method, target, true) == 404);
    }
  CHECK(status("GET", "/v1/cache", false) == 200);
  CHECK(ask(host, "GET", "/v1/cache/none/snapshot").status == 404);
}

TEST_CASE("routes: who asks is nobody until it is told", "[control]") {
  CHECK(Asker().who() == std::to_string(static_cast<uid_t>(-1)));
  CHECK(Asker{.address = "192.0.2.1"}.who() == "tcp 192.0.2.1");
}
