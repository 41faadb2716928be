// From text to options: values, names, paths, defaults.
#include <catch2/catch.hpp>

#include "unit/config/load_text.h"

using namespace rpx;
using namespace rpx::config;
using namespace std::chrono_literals;

namespace {

proxy::SiteOptions options_of(std::string_view text, std::vector<std::string> sets = {}) {
  auto loaded = load_text(text, std::move(sets));
  INFO(text);
  if (!loaded) FAIL(render(loaded.error()));
  return std::move(loaded->options);
}

}  // namespace

TEST_CASE("config: the smallest file is a listener and a route", "[config]") {
  const proxy::SiteOptions site = options_of(kBase);
  REQUIRE(site.listen.size() == 1);
  CHECK(site.listen[0].name == ":0");
  CHECK(site.listen[0].address == ":0");
  REQUIRE(site.upstreams.size() == 1);
  CHECK(site.upstreams[0].name == "http://127.0.0.1:3000");
  CHECK(site.upstreams[0].servers == std::vector<upstream::ServerOptions>{{.url = "http://127.0.0.1:3000"}});
  REQUIRE(site.routes.size() == 1);
  CHECK(site.routes[0].name == "route-1");
  CHECK(site.routes[0].path == "/*");
  CHECK(site.routes[0].upstream == "http://127.0.0.1:3000");
  CHECK(site.routes[0].origin.file == "rpx.toml");
  CHECK(site.routes[0].origin.line == 3);
  CHECK(site.serve.control == "/run/rpx/control.sock");
}

TEST_CASE("config: every key reaches its member", "[config]") {
  const proxy::SiteOptions site = options_of(R"(
[serve]
workers = 3
control = "run/rpx.sock"
user = "nobody"
grace = "90s"
max_connections = 1_000
server_name = "rpx"
via = true
[log]
level = "debug"
errors = "log/errors.log"
access = "/var/log/access.log"
format = "{client} {status}"
[[listen]]
name = "web"
address = "[::1]:8080"
mode = "http"
tls = false
protocols = ["http/1.1"]
trusted_proxies = ["10.0.0.0/8", "::1"]
proxy_protocol = ["192.168.0.0/16"]
[upstream.app]
servers = ["http://a:1/", { url = "unix:run/app.sock", weight = 2, backup = true }, "unix:@abstract"]
balance = "round_robin"
host = "app.example:8443"
protocol = "http/1.1"
connect = { timeout = "1s", keepalive = 1, idle = "2s" }
retry = { attempts = 3, on = ["reset", "500"], methods = ["GET"], budget = "7%" }
[limits]
connections_per_client = 0
header_timeout = "1s"
body_timeout = "2s"
min_body_rate = "1KB/s"
write_timeout = "3s"
keepalive = "0s"
header_bytes = "1KiB"
headers = 0
body_bytes = 0
uri_bytes = 0
[[route]]
name = "api"
host = ["a.example", "*.b.example"]
path = "/v1/*"
methods = ["GET", "PURGE"]
header = { X-A = "1", X-B = "*" }
upstream = "app"
strip_prefix = "/v1"
rewrite = { from = "^/(.*)$", to = "/${1}" }
timeout = { response = "0s", idle = "5s" }
body_bytes = "1MiB"
hide_origin = false
errors = { "502" = "errors/502.html", 4xx = "/4xx.html" }
)");
  CHECK(site.serve.workers == 3);
  CHECK(site.serve.control == "/etc/rpx/run/rpx.sock");
  CHECK(site.serve.user == "nobody");
  CHECK(site.serve.max_connections == 1000);
  CHECK(site.serve.server_name == "rpx");
  CHECK(site.serve.via);
  CHECK(site.log.level == LogLevel::kDebug);
  CHECK(site.log.errors == "/etc/rpx/log/errors.log");
  CHECK(site.log.access == "/var/log/access.log");
  CHECK(site.log.format == "{client} {status}");
  CHECK(site.listen[0].name == "web");
  CHECK(site.listen[0].trusted_proxies == std::vector{*IpPrefix::parse("10.0.0.0/8"), *IpPrefix::parse("::1/128")});
  CHECK(site.listen[0].proxy_protocol == std::vector{*IpPrefix::parse("192.168.0.0/16")});
  const upstream::UpstreamOptions app{
      .name = "app",
      .servers = {{.url = "http://a:1"},
                  {.url = "unix:/etc/rpx/run/app.sock", .weight = 2, .backup = true},
                  {.url = "unix:@abstract"}},
      .host = "app.example:8443",
      .connect = {.timeout = 1s, .keepalive = 1, .idle = 2s},
      .retry = {.attempts = 3, .on = {"reset", "500"}, .methods = {"GET"}, .budget = 0.07}};
  CHECK((site.upstreams == std::vector{app}));
  CHECK(site.limits.connections_per_client == 0);
  CHECK(site.limits.header_timeout == 1s);
  CHECK(site.limits.min_body_rate == 1000);
  CHECK(site.limits.keepalive == kForever);
  CHECK(site.limits.headers == 10'000);
  CHECK(site.limits.body_bytes == 0);
  CHECK(site.limits.uri_bytes == 16 * 1024 * 1024);
  const proxy::RouteOptions& route = site.routes.at(0);
  CHECK(route.host == std::vector<std::string>{"a.example", "*.b.example"});
  CHECK(route.methods == std::vector<std::string>{"GET", "PURGE"});
  CHECK(route.header == policy::NameValues{{"X-A", "1"}, {"X-B", "*"}});
  CHECK(route.rewrite->to == "/${1}");
  CHECK(route.timeout.response == kForever);
  CHECK(route.timeout.idle == 5s);
  CHECK(route.body_bytes == 1024 * 1024);
  CHECK_FALSE(route.hide_origin);
  CHECK(route.errors == policy::ErrorPageOptions{{"4xx", "/4xx.html"}, {"502", "/etc/rpx/errors/502.html"}});
}

TEST_CASE("config: routes may redirect or answer", "[config]") {
  const proxy::SiteOptions site = options_of(std::string(kListener) + R"(
[[route]]
path = "/old/*"
redirect = { to = "https://example.com{path}", status = 301 }
[[route]]
path = "/ping"
respond = { status = 201, body = "pong\n", headers = { Content-Type = "text/plain" } }
[[route]]
respond = {}
)");
  CHECK(site.upstreams.empty());
  CHECK(site.routes.at(0).redirect->to == "https://example.com{path}");
  CHECK(site.routes.at(0).redirect->status == 301);
  CHECK(site.routes.at(1).respond->status == 201);
  CHECK(site.routes.at(1).respond->body == "pong\n");
  CHECK(site.routes.at(1).respond->headers == policy::NameValues{{"Content-Type", "text/plain"}});
  CHECK(site.routes.at(2).respond->status == 200);
}

TEST_CASE("config: a URL in a route is an upstream, and the same one for the same URL", "[config]") {
  const proxy::SiteOptions site = options_of(std::string(kListener) + R"(
[[route]]
path = "/a"
upstream = "unix:run/a.sock"
[[route]]
path = "/b"
upstream = "http://h/"
[[route]]
path = "/c"
upstream = "unix:/etc/rpx/run/a.sock"
[[route]]
path = "/d"
upstream = "http://named"
[upstream."http://named"]
servers = ["http://elsewhere"]
)");
  REQUIRE(site.upstreams.size() == 3);
  CHECK(site.upstreams[0].servers[0].url == "http://elsewhere");
  CHECK(site.upstreams[1].name == "unix:/etc/rpx/run/a.sock");
  CHECK(site.upstreams[2].name == "http://h");
  CHECK(site.routes[0].upstream == site.routes[2].upstream);
  CHECK(site.routes[1].upstream == "http://h");
  CHECK(site.routes[3].upstream == "http://named");
}

TEST_CASE("config: a route wins over the defaults, key by key and header by header", "[config]") {
  const proxy::SiteOptions site = options_of(std::string(kListener) + R"(
[[route]]
path = "/own"
upstream = "http://h"
timeout = { response = "1s" }
errors = { "503" = "/own503" }
request_headers = { set = { x-a = "own" }, add = { X-D = "own" }, remove = ["X-B", "X-Own"] }
[[route]]
upstream = "http://h"
[defaults]
timeout = { response = "9s", idle = "8s" }
hide_origin = false
body_bytes = "1KiB"
errors = { "502" = "/502", "503" = "/503" }
request_headers = { set = { X-A = "1", X-B = "2", X-C = "3" }, add = { X-Own = "1" }, remove = ["x-d", "X-E"] }
)");
  const proxy::RouteOptions& own = site.routes.at(0);
  CHECK(own.timeout.response == 1s);
  CHECK(own.timeout.idle == 8s);
  CHECK_FALSE(own.hide_origin);
  CHECK(own.body_bytes == 1024);
  CHECK(own.errors == policy::ErrorPageOptions{{"502", "/502"}, {"503", "/own503"}});
  CHECK(own.request_headers.set == policy::NameValues{{"X-C", "3"}, {"x-a", "own"}});
  CHECK(own.request_headers.add == policy::NameValues{{"X-D", "own"}});
  CHECK(own.request_headers.remove == std::vector<std::string>{"X-E", "X-B", "X-Own"});
  const proxy::RouteOptions& plain = site.routes.at(1);
  CHECK(plain.timeout.response == 9s);
  CHECK(plain.request_headers.set.size() == 3);
  CHECK(plain.request_headers.remove == std::vector<std::string>{"x-d", "X-E"});
}

TEST_CASE("config: tables keep the order of the file", "[config]") {
  const proxy::SiteOptions site = options_of(kBase + R"(
request_headers = { set = { Z = "1", A = "2", M = "3" } }
[upstream.z]
servers = ["http://h"]
[upstream.a]
servers = ["http://h"]
)");
  CHECK(site.routes[0].request_headers.set == policy::NameValues{{"Z", "1"}, {"A", "2"}, {"M", "3"}});
  CHECK(site.upstreams.at(0).name == "z");
  CHECK(site.upstreams.at(1).name == "a");
}

TEST_CASE("config: variables come from the environment", "[config]") {
  const proxy::SiteOptions site = options_of(kBase + R"(
[serve]
server_name = "${WHO} ${MISSING:-there} ${NONE:-too} $${WHO} $1 ${1}"
workers = "${FOUR}"
via = "${MISSING:-true}"
control = "${NONE}"
)");
  CHECK(site.serve.server_name == "you there too ${WHO} $1 ${1}");
  CHECK(site.serve.workers == 4);
  CHECK(site.serve.via);
  CHECK(site.serve.control.empty());
}

TEST_CASE("config: values may be set from outside", "[config]") {
  const proxy::SiteOptions site =
      options_of(kBase, {"serve.workers=2", "log.access = off", "listen[0].address=:9", "listen[1].address=unix:x.sock",
                         "route[0].timeout.response=\"3s\"", "upstream.b.servers=[\"http://h\"]", "serve.user=12",
                         "upstream.\"c.d\".servers[0]=http://c", "serve.server_name=${WHO}", "serve.control="});
  CHECK(site.serve.workers == 2);
  CHECK(site.serve.user == "12");
  CHECK(site.serve.server_name == "you");
  CHECK(site.serve.control.empty());
  CHECK(site.listen.at(0).address == ":9");
  CHECK(site.listen.at(1).address == "unix:/etc/rpx/x.sock");
  CHECK(site.routes.at(0).timeout.response == 3s);
  CHECK(site.upstreams.at(0).name == "b");
  CHECK(site.upstreams.at(1).name == "c.d");
}

TEST_CASE("config: what is wrong with a set value is told by its words", "[config]") {
  struct Row {
    const char* set;
    const char* told;
  };
  const Row rows[] = {
      {"serve.worker=2", R"(--set serve.worker=2: unknown key "worker"; did you mean "workers"?)"},
      {"serve.workers=x", R"(--set serve.workers=x: "workers" must be an integer such as 4, not a string)"},
      {"listen[3].address=x", "--set listen[3].address=x: [3] is past the end of the list: the next is [1]"},
      {"listen.address=x", R"(--set listen.address=x: "address" is looked for in a list, not in a table)"},
      {"route[0].upstream[0]=x", "--set route[0].upstream[0]=x: [0] is looked for in a string, not in a list"},
      {"serve", "--set serve: expected path=value, such as serve.workers=2"},
      {"a..b=3", R"(--set a..b=3: bad path "a..b": expected names like serve.workers or listen[0].address)"},
      {"a[x]=3", R"(--set a[x]=3: bad path "a[x]": expected names like serve.workers or listen[0].address)"},
      {"include=[\"x\"]", "--set include=[\"x\"]: \"include\" stands in a file: it cannot be set from elsewhere"},
      {"serve.user=${NOPE}",
       "--set serve.user=${NOPE}: environment variable NOPE is not set; ${NOPE:-value} gives a default"},
  };
  for (const Row& row : rows) CHECK(problems_of(kBase, {row.set}) == std::string(row.told) + "\n");
}

TEST_CASE("config: a proxy needs no file", "[config]") {
  const auto one = quick({":0", "127.0.0.1:1"}, {"http://127.0.0.1:3000"});
  REQUIRE(one);
  CHECK(one->files.empty());
  CHECK(one->options.listen.at(1).address == "127.0.0.1:1");
  CHECK(one->options.upstreams.at(0).name == "http://127.0.0.1:3000");
  const auto two = quick({":0"}, {"http://a", "http://b"}, {"log.access=stdout"});
  REQUIRE(two);
  CHECK(two->options.log.access == "stdout");
  CHECK(two->options.upstreams.at(0).servers.size() == 2);
  CHECK(two->options.routes.at(0).path == "/*");
  const auto wrong = quick({"8080"}, {"http://h/x", "3000"});
  REQUIRE_FALSE(wrong);
  CHECK(
      render(wrong.error()) ==
      "--listen 8080: bad address \"8080\": expected \"host:port\", \":port\", \"[::1]:port\", \"unix:path\", "
      "\"fd:N\" or \"fd:NAME\"\n"
      "--to http://h/x: bad url \"http://h/x\": a server's URL has no path: use strip_prefix or rewrite in the route\n"
      "--to 3000: bad url \"3000\": expected \"http://host:port\", \"https://host:port\", \"tcp://host:port\" or "
      "\"unix:path\"\n");
}
