// Wrong listeners and upstreams, and the very words in which that is told.
#include <catch2/catch.hpp>

#include "unit/config/load_text.h"

namespace {

struct Row {
  const char* name;
  const char* toml;
  const char* told;
};

// clang-format off
constexpr Row kRows[] = {
    {"mirrors",
R"([[listen]]
address = ":0"
[[route]]
path = "/a"
upstream = "http://127.0.0.1:3000"
mirror = { percent = 10 }
[[route]]
path = "/b"
upstream = "http://127.0.0.1:3000"
mirror = { upstream = "shadwo", percent = 101 }
[[route]]
path = "/c"
respond = { status = 204 }
mirror = { upstream = "shadow" }
[[route]]
path = "/d"
upstream = "http://127.0.0.1:3000"
mirror = { upstream = "bytes", timeout = "0s" }
[upstream.shadow]
servers = ["http://127.0.0.1:3001"]
[upstream.bytes]
servers = ["tcp://127.0.0.1:3002"]
)",
R"(rpx.toml:6:10: [mirror] needs "upstream", such as upstream = "shadow"
mirror = { percent = 10 }
         ^
rpx.toml:10:23: there is no upstream "shadwo"; did you mean "shadow"?
mirror = { upstream = "shadwo", percent = 101 }
                      ^
rpx.toml:10:43: bad percent 101: expected 0 to 100
mirror = { upstream = "shadwo", percent = 101 }
                                          ^
rpx.toml:14:10: route "route-3" answers by itself: nothing goes to a server, and a mirror gets copies of what does
mirror = { upstream = "shadow" }
         ^
rpx.toml:18:10: its servers are tcp://, and copies of requests are HTTP: give them as http://
mirror = { upstream = "bytes", timeout = "0s" }
         ^
rpx.toml:18:42: bad timeout "0s": expected more than nothing
mirror = { upstream = "bytes", timeout = "0s" }
                                         ^
)"},
    {"listen addresses",
R"([[listen]]
address = "8080"
[[listen]]
address = "http://x:1"
[[listen]]
address = "::1:80"
[[listen]]
address = "[zz]:1"
[[listen]]
address = ":70000"
[[listen]]
address = "unix:"
[[listen]]
address = "fd:a:b"
[[route]]
upstream = "http://127.0.0.1:3000"
)",
R"(rpx.toml:2:11: bad address "8080": expected "host:port", ":port", "[::1]:port", "unix:path", "fd:N" or "fd:NAME"
address = "8080"
          ^
rpx.toml:4:11: bad address "http://x:1": a listener has an address, not a URL, such as ":8080"
address = "http://x:1"
          ^
rpx.toml:6:11: bad address "::1:80": an IPv6 address stands in brackets: "[::1]:80"
address = "::1:80"
          ^
rpx.toml:8:11: bad address "[zz]:1": expected "host:port", ":port", "[::1]:port", "unix:path", "fd:N" or "fd:NAME"
address = "[zz]:1"
          ^
rpx.toml:10:11: bad address ":70000": the port must be a number from 0 to 65535, not "70000"
address = ":70000"
          ^
rpx.toml:12:11: bad address "unix:": expected "host:port", ":port", "[::1]:port", "unix:path", "fd:N" or "fd:NAME"
address = "unix:"
          ^
rpx.toml:14:11: bad address "fd:a:b": expected "host:port", ":port", "[::1]:port", "unix:path", "fd:N" or "fd:NAME"
address = "fd:a:b"
          ^
)"},
    {"listeners that are there twice",
R"([[listen]]
address = ":1"
[[listen]]
address = ":1"
[[listen]]
address = ":2"
name = "a"
[[listen]]
address = ":3"
name = "a"
[[route]]
upstream = "http://127.0.0.1:3000"
)",
R"(rpx.toml:4:11: address ":1" is there twice: first at rpx.toml:2
address = ":1"
          ^
rpx.toml:10:8: listener "a" is there twice: first at rpx.toml:7
name = "a"
       ^
)"},
    {"prefixes",
R"([[listen]]
address = ":1"
trusted_proxies = ["10.0.0.0/33", 5]
proxy_protocol = "10.0.0.1"
[[route]]
upstream = "http://127.0.0.1:3000"
)",
R"(rpx.toml:3:20: bad trusted_proxies "10.0.0.0/33": expected an address or a prefix such as "10.0.0.0/8" or "fd00::/8"
trusted_proxies = ["10.0.0.0/33", 5]
                   ^
rpx.toml:3:35: "trusted_proxies" must be a list of addresses such as ["10.0.0.0/8"], not an integer
trusted_proxies = ["10.0.0.0/33", 5]
                                  ^
rpx.toml:4:18: "proxy_protocol" must be a list of addresses such as ["10.0.0.0/8"], not a string
proxy_protocol = "10.0.0.1"
                 ^
)"},
    {"upstreams of routes",
R"([[listen]]
address = ":0"
[[route]]
path = "/0"
upstream = "ap"
[[route]]
path = "/1"
upstream = "https://x/y"
[[route]]
path = "/2"
upstream = "http://x/y"
[[route]]
path = "/3"
upstream = "http://u@x"
[[route]]
path = "/4"
upstream = "127.0.0.1:3000"
[[route]]
path = "/5"
upstream = "http://::1:80"
[[route]]
path = "/6"
upstream = ""
[upstream.app]
servers = ["http://h"]
)",
R"(rpx.toml:5:12: there is no upstream "ap"; did you mean "app"?
upstream = "ap"
           ^
rpx.toml:8:12: bad upstream "https://x/y": a server's URL has no path: use strip_prefix or rewrite in the route
upstream = "https://x/y"
           ^
rpx.toml:11:12: bad upstream "http://x/y": a server's URL has no path: use strip_prefix or rewrite in the route
upstream = "http://x/y"
           ^
rpx.toml:14:12: bad upstream "http://u@x": a server's URL has no user
upstream = "http://u@x"
           ^
rpx.toml:17:12: there is no upstream "127.0.0.1:3000"; did you mean "http://127.0.0.1:3000"?
upstream = "127.0.0.1:3000"
           ^
rpx.toml:20:12: bad upstream "http://::1:80": an IPv6 address stands in brackets: "http://[::1]:8080"
upstream = "http://::1:80"
           ^
rpx.toml:23:12: there is no upstream ""
upstream = ""
           ^
)"},
    {"keys in [upstream] itself",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[upstream]
servers = ["http://h"]
)",
R"(rpx.toml:6:1: [upstream] holds named tables only: write [upstream.NAME] above "servers"
servers = ["http://h"]
^
)"},
    {"servers",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[upstream.a]
servers = []
[upstream.b]
[upstream.c]
servers = ["http://h", "http://h/", 5, { weight = 0 }, { url = "http://y", bakup = true }]
)",
R"(rpx.toml:6:11: bad servers []: expected at least one server, or a servers_file
servers = []
          ^
rpx.toml:7:1: [upstream.NAME] needs "servers", such as servers = ["http://127.0.0.1:3000"], or "servers_file"
[upstream.b]
^
rpx.toml:9:24: server "http://h" is in the list already
servers = ["http://h", "http://h/", 5, { weight = 0 }, { url = "http://y", bakup = true }]
                       ^
rpx.toml:9:37: "servers" must be a list of servers such as ["http://10.0.0.1:8080"], not an integer
servers = ["http://h", "http://h/", 5, { weight = 0 }, { url = "http://y", bakup = true }]
                                    ^
rpx.toml:9:40: [[servers]] needs "url", such as url = "http://127.0.0.1:3000"
servers = ["http://h", "http://h/", 5, { weight = 0 }, { url = "http://y", bakup = true }]
                                       ^
rpx.toml:9:51: bad weight 0: expected 1 to 65535
servers = ["http://h", "http://h/", 5, { weight = 0 }, { url = "http://y", bakup = true }]
                                                  ^
rpx.toml:9:76: unknown key "bakup"; did you mean "backup"?
servers = ["http://h", "http://h/", 5, { weight = 0 }, { url = "http://y", bakup = true }]
                                                                           ^
)"},
    {"other keys of upstreams",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[upstream.c]
servers = ["http://h"]
balance = "rr"
host = "a b"
retry = { attempts = 11, on = ["conect", "99"], methods = ["get"] }
connect = { timeout = "0s" }
)",
R"(rpx.toml:7:11: bad balance "rr": expected "round_robin", "least_connections", "least_time", "random_two", "ip_hash", "hash" or "first"
balance = "rr"
          ^
rpx.toml:8:8: bad host "a b": expected "preserve", "server" or a host name
host = "a b"
       ^
rpx.toml:9:22: bad attempts 11: expected 0 to 10 tries
retry = { attempts = 11, on = ["conect", "99"], methods = ["get"] }
                     ^
rpx.toml:9:32: bad on "conect": expected "connect", "timeout", "reset" or a status such as "503"; did you mean "connect"?
retry = { attempts = 11, on = ["conect", "99"], methods = ["get"] }
                               ^
rpx.toml:9:42: bad on "99": expected "connect", "timeout", "reset" or a status such as "503"
retry = { attempts = 11, on = ["conect", "99"], methods = ["get"] }
                                         ^
rpx.toml:9:60: bad methods "get": methods are case-sensitive; did you mean "GET"?
retry = { attempts = 11, on = ["conect", "99"], methods = ["get"] }
                                                           ^
rpx.toml:10:23: bad timeout "0s": expected more than nothing
connect = { timeout = "0s" }
                      ^
)"},
    {"what is hashed",
R"([[listen]]
address = ":0"
[[route]]
upstream = "a"
[[route]]
path = "/b"
upstream = "b"
[[route]]
path = "/c"
upstream = "c"
[upstream.a]
servers = ["http://h"]
balance = "hash"
[upstream.b]
servers = ["http://h"]
hash = "{path}"
[upstream.c]
servers = ["http://h"]
balance = "hash"
hash = "same"
)",
R"(rpx.toml:13:11: balance "hash" needs to know what: add hash = "{header:X-User}"
balance = "hash"
          ^
rpx.toml:16:8: "hash" is for balance = "hash", not "round_robin"
hash = "{path}"
       ^
rpx.toml:20:8: bad hash "same": it is the same for every request: expected a template such as "{header:X-User}"
hash = "same"
       ^
)"},
};
// clang-format on

}  // namespace

TEST_CASE("config: mistakes in listeners and upstreams are told with their place and a way out", "[config]") {
  for (const Row& row : kRows) {
    INFO(row.name);
    CHECK(rpx::config::problems_of(row.toml) == row.told);
  }
}
