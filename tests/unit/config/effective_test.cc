// Options back to text, and what differs between two.
#include <catch2/catch.hpp>

#include <algorithm>

#include <Poco/JSON/Parser.h>

#include "unit/config/load_text.h"

using namespace rpx;
using namespace rpx::config;

namespace {

const std::string kRich = R"(
[serve]
server_name = "a \"b\" \\ $${HOME}"
workers = 2
[log]
access = "access.log"
format = "{client} {header:User-Agent}"
[[listen]]
name = "web"
address = "[::1]:8080"
trusted_proxies = ["10.0.0.0/8", "fd00::/8"]
[[listen]]
address = "unix:web.sock"
[upstream.app]
servers = ["http://a:1", { url = "unix:app.sock", weight = 7, backup = true }]
retry = { budget = "12.5%", on = [], methods = [] }
connect = { timeout = "1500ms" }
[upstream."b.c"]
servers = ["http://b"]
sticky = { cookie = "sid", ttl = "1h", same_site = "off" }
eject = { errors = 0, failure_rate = "30%" }
host = "server"
[limits]
keepalive = 0
headers = 0
body_bytes = "1500B"
[defaults]
timeout = { idle = "0s" }
request_headers = { set = { X-Id = "{request_id}" }, remove = ["X-Debug"] }
[[route]]
name = "api"
host = ["a.example"]
path = "~ ^/(a|b)/\\d{2}$"
methods = ["GET"]
header = { "X-Version" = "2" }
upstream = "app"
strip_prefix = "/a"
rewrite = { from = "^/(.*)$", to = "/x/${1}$1" }
body_bytes = 0
errors = { 502 = "502.html" }
[[route]]
path = "/url"
upstream = "http://u:1"
response_headers = { add = { X-A = "ä\t{{}}" } }
[[route]]
path = "/b"
upstream = "b.c"
hide_origin = false
[[route]]
path = "/redirect"
redirect = { to = "https://{host}{path}" }
[[route]]
path = "/respond"
respond = { body = "line\r\nline\u0001\u007f\u0085", headers = { A = "b" } }
)";

proxy::SiteOptions options_of(std::string_view text) {
  auto loaded = load_text(text);
  INFO(text);
  if (!loaded) FAIL(render(loaded.error()));
  return std::move(loaded->options);
}

}  // namespace

TEST_CASE("effective: loads as the configuration it came from", "[config]") {
  for (const std::string& text : {kBase, kRich, init_file()}) {
    const proxy::SiteOptions site = options_of(text);
    const std::string once = effective_toml(site);
    const proxy::SiteOptions again = options_of(once);
    CHECK(effective_toml(again) == once);
    CHECK(effective_json(again) == effective_json(site));
    CHECK(diff(site, again).empty());
    CHECK(again.serve.server_name == site.serve.server_name);
    CHECK((again.upstreams == site.upstreams));
    CHECK(again.limits.keepalive == site.limits.keepalive);
    CHECK(again.limits.body_bytes == site.limits.body_bytes);
    REQUIRE(again.routes.size() == site.routes.size());
    for (std::size_t i = 0; i < site.routes.size(); ++i) {
      const proxy::RouteOptions& was = site.routes[i];
      const proxy::RouteOptions& is = again.routes[i];
      CHECK(is.path == was.path);
      CHECK(is.body_bytes == was.body_bytes);
      CHECK(is.response_headers.add == was.response_headers.add);
      CHECK(is.rewrite.has_value() == was.rewrite.has_value());
      if (was.rewrite) CHECK(is.rewrite->to == was.rewrite->to);
      if (was.respond) CHECK(is.respond->body == was.respond->body);
    }
  }
}

TEST_CASE("effective: has every key, defaults filled in", "[config]") {
  CHECK(effective_toml(options_of(kBase)) == R"(include = []

[serve]
workers         = 0
control         = "/run/rpx/control.sock"
state           = "auto"
user            = ""
grace           = "30s"
max_connections = 50000
wait_ready      = "0s"
server_name     = ""
via             = false
sandbox         = true

[resolver]
servers = []
timeout = "2s"
tries   = 2

[log]
level  = "info"
errors = "stderr"
access = "off"
format = "json"

[admin]
address = ""
token   = ""

[[listen]]
name            = ":0"
address         = ":0"
mode            = "http"
tls             = false
protocols       = []
trusted_proxies = []
proxy_protocol  = []
redirect_https  = false
https_port      = 443
sni             = {}
pass            = {}
max_connections = 0
idle            = "10m"

[tls]
min_version     = "1.2"
ciphers         = "intermediate"
session_tickets = true
ticket_rotation = "12h"
client_ca       = ""
client_verify   = "off"
watch           = true
max_handshakes  = 10000
ocsp_stapling   = true

[acme]
directory    = "https://acme-v02.api.letsencrypt.org/directory"
email        = ""
agree_tos    = false
hosts        = []
challenge    = "http-01"
kind         = "ec"
store        = ""
ca           = ""
eab_kid      = ""
eab_key_file = ""

[upstream."http://127.0.0.1:3000"]
servers        = [{ url = "http://127.0.0.1:3000", weight = 1, backup = false, priority = 0, max_connections = 0, resolve = "0s", srv = "" }]
servers_file   = ""
balance        = "round_robin"
hash           = ""
host           = "preserve"
protocol       = "http/1.1"
proxy_protocol = 0
hold           = "0s"
panic          = "0%"

[upstream."http://127.0.0.1:3000".connect]
timeout     = "2s"
keepalive   = 64
idle        = "1m"
max_pending = 1000
queue       = "5s"

[upstream."http://127.0.0.1:3000".retry]
attempts        = 2
on              = ["connect", "timeout", "reset", "502", "503", "504"]
methods         = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]
budget          = "20%"
backoff         = "0s"
retry_after     = "0s"
idempotency_key = true
replay          = "64KiB"

[upstream."http://127.0.0.1:3000".tls]
verify = true
ca     = ""
name   = ""
cert   = ""
key    = ""

[compress.default]
encodings           = ["zstd", "br", "gzip"]
min_size            = "1KiB"
types               = ["text/*", "application/json", "application/javascript", "application/xml", "image/svg+xml"]
decompress_requests = false
decompress_replies  = false
max_ratio           = 100

[compress.default.level]
gzip = 5
br   = 4
zstd = 3

[compress.default.requests]
encoding = "auto"
min_size = "4KiB"

[limits]
connections_per_client = 200
header_timeout         = "10s"
body_timeout           = "30s"
min_body_rate          = "500B/s"
write_timeout          = "30s"
min_reply_rate         = "500B/s"
half_open              = "50%"
handshakes_per_client  = "0/s"
bandwidth_per_client   = "0"
overload               = "5s"
keepalive              = "75s"
header_bytes           = "32KiB"
headers                = 100
body_bytes             = "10MiB"
uri_bytes              = "8KiB"
tls_handshake          = "10s"
h2_streams             = 128
h2_resets              = "100/s"
answer_half_closed     = "sent"

[blocklist]
files  = []
action = "close"
allow  = []

[[route]]
name             = "route-1"
host             = []
path             = "/*"
methods          = []
header           = {}
upstream         = "http://127.0.0.1:3000"
split            = {}
strip_prefix     = ""
timeout          = { response = "1m", idle = "1m" }
bandwidth        = "0"
request_headers  = { set = {}, add = {}, remove = [] }
response_headers = { set = {}, add = {}, remove = [] }
hide_origin      = true
errors           = {}
compress         = "default"
cache            = ""
access           = ""
rate_limit       = []
fault            = ""
)");
}

TEST_CASE("effective: a word in place of a table stays that word", "[config]") {
  const std::string text = std::string(kBase) + "[compress.default]\nlevel = \"auto\"\n";
  const proxy::SiteOptions site = options_of(text);
  CHECK(site.compress.front().level.automatic);
  const std::string told = effective_toml(site);
  CHECK(told.find("level               = \"auto\"") != std::string::npos);
  CHECK(effective_toml(options_of(told)) == told);
  CHECK(diff(options_of(kBase), site) == std::vector<std::string>{"compress default: changed (level)"});
  CHECK(problems_of(std::string(kBase) + "[compress.default]\nlevel = \"high\"\n") != "ok");
}

TEST_CASE("effective: is JSON with numbers for durations, sizes and shares", "[config]") {
  Poco::JSON::Parser parser;
  const auto root = parser.parse(effective_json(options_of(kRich))).extract<Poco::JSON::Object::Ptr>();
  CHECK(root->getObject("serve")->getValue<double>("grace") == 30);
  CHECK(root->getObject("serve")->getValue<std::string>("server_name") == "a \"b\" \\ ${HOME}");
  CHECK(root->getObject("limits")->getValue<int>("body_bytes") == 1500);
  CHECK(root->getObject("limits")->getValue<int>("keepalive") == 0);
  CHECK(root->getObject("limits")->getValue<int>("min_body_rate") == 500);
  const auto app = root->getObject("upstream")->getObject("app");
  CHECK(app->getObject("connect")->getValue<double>("timeout") == 1.5);
  CHECK(app->getObject("retry")->getValue<double>("budget") == 0.125);
  CHECK(app->getArray("servers")->getObject(1)->getValue<int>("weight") == 7);
  CHECK(root->getArray("route")->getObject(0)->getValue<std::string>("name") == "api");
  CHECK(root->getArray("listen")->getObject(0)->getArray("protocols")->size() == 0);
}

TEST_CASE("init: loads without a warning, as a configuration of defaults", "[config]") {
  const std::string text = init_file();
  CHECK(problems_of(text) == "ok");
  const proxy::SiteOptions site = options_of(text);
  const proxy::SiteOptions plain = options_of(R"([[listen]]
address = ":8080"
[upstream.app]
servers = ["http://127.0.0.1:3000", { url = "http://127.0.0.1:3001", backup = true }]
[compress.app]
[cache.app]
[rate_limit.app]
rate = "100/s"
[access.app]
[[route]]
upstream = "app"
)");
  CHECK(effective_toml(site) == effective_toml(plain));
}

TEST_CASE("init: with every comment taken up is still a configuration", "[config]") {
  std::string text;
  std::string_view rest = std::string_view(R"([upstream.canary]
servers = ["http://127.0.0.1:3000"]
)");
  const std::string init = init_file();
  rest = init;
  bool left_out = false;
  // A route that redirects, rewrites and answers at once would be refused: its three tables are tried one by one below.
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const bool key = line.starts_with("# ") && line.find(" = ") != std::string_view::npos && line.find(" = ") < 20;
    if (line.starts_with("# cert =") || line.starts_with("# key =")) continue;  // files that are not there
    // A file of passwords, or keys, that is not there, and nothing without one.
    if (line.starts_with("# [access.app.basic_auth]") || line.starts_with("# [access.app.jwt]")) left_out = true;
    if (line.starts_with("# [route.mirror]")) left_out = true;  // an upstream of its own that is not there
    if (left_out && !line.empty()) continue;
    left_out = false;
    if (line.starts_with("# upstream = \"tcp:")) continue;  // of another kind of listener
    if (line.starts_with("# [route.r")) break;
    if (line.starts_with("# [upstream.") || line.starts_with("# [defaults.") || line.starts_with("# [compress.") ||
        line.starts_with("# [cache.") || line.starts_with("# [access.") || line.starts_with("# [ban.") ||
        line.starts_with("# [[ban]]") || line.starts_with("# [acme]") || line.starts_with("# [admin]") ||
        line.starts_with("# [fault."))
      line.remove_prefix(2);
    if (key && line.substr(2, line.find(" = ") - 2).find(' ') == std::string_view::npos) line.remove_prefix(2);
    text += std::string(line) + '\n';
  }
  CHECK(problems_of(text) == "ok");
  CHECK(text.find("\nname = \"api\"") != std::string::npos);
  CHECK(text.find("\nbody_bytes = \"100MiB\"") != std::string::npos);
}

TEST_CASE("diff: tells what a reload would change", "[config]") {
  const proxy::SiteOptions before = options_of(kRich);
  CHECK(diff(before, before).empty());
  proxy::SiteOptions after = before;
  after.serve.workers = 4;
  after.serve.via = true;
  after.limits.headers = 7;
  after.listen.erase(after.listen.begin());
  after.listen.push_back({.name = "new", .address = ":1"});
  after.upstreams[0].servers[0].weight = 2;
  after.upstreams[0].connect.keepalive = 1;
  after.routes[0].path = "/v2/*";
  after.routes[0].timeout.idle = std::chrono::seconds(3);
  after.routes[0].body_bytes.reset();
  std::swap(after.routes[1], after.routes[2]);
  after.routes.pop_back();
  CHECK(diff(before, after) == std::vector<std::string>{
                                   "serve: changed (workers, via)",
                                   "listener web: removed",
                                   "listener new: added",
                                   "upstream app: changed (servers, connect)",
                                   "limits: changed (headers)",
                                   "route route-5: removed",
                                   "route api: changed (path, timeout, body_bytes)",
                                   "routes: in another order",
                               });
}
