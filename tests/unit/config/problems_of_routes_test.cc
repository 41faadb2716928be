// Wrong routes, and the very words in which that is told.
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
    {"keys of routes only, as defaults",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[defaults]
path = "/x"
mirror = "a"
timeout = "5s"
)",
R"(rpx.toml:6:1: "path" has no default: give it in a [[route]]
path = "/x"
^
rpx.toml:7:1: "mirror" has no default: give it in a [[route]]
mirror = "a"
^
rpx.toml:8:11: "timeout" must be a table, not a string
timeout = "5s"
          ^
)"},
    {"compression that is not there, of types that are none",
R"([[listen]]
address = ":0"
[compress.fast]
types = ["text"]
encodings = ["lzma"]
level = { gzip = 10 }
[[route]]
upstream = "http://127.0.0.1:3000"
compress = "fats"
)",
R"(rpx.toml:4:10: bad types "text": expected a media type such as "text/html", "text/*" or "*/*"
types = ["text"]
         ^
rpx.toml:5:14: bad encodings "lzma": expected "zstd", "br" or "gzip"
encodings = ["lzma"]
             ^
rpx.toml:6:18: bad gzip 10: expected 1 to 9
level = { gzip = 10 }
                 ^
rpx.toml:9:12: there is no compress "fats"; did you mean "fast"?
compress = "fats"
           ^
)"},
    {"a route that does nothing",
R"([[listen]]
address = ":0"
[[route]]
path = "/x"
)",
R"(rpx.toml:3:1: route "route-1" does nothing: give it upstream, redirect or respond
[[route]]
^
)"},
    {"a route whose action is misspelt",
R"([[listen]]
address = ":0"
[[route]]
upstrem = "http://h"
)",
R"(rpx.toml:4:1: unknown key "upstrem"; did you mean "upstream"?
upstrem = "http://h"
^
)"},
    {"a route that does three things",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://h"
redirect = { to = "/" }
respond = {}
)",
R"(rpx.toml:5:12: route "route-1" has both upstream and redirect: give it one of them
redirect = { to = "/" }
           ^
)"},
    {"redirects",
R"([[listen]]
address = ":0"
[[route]]
path = "/0"
redirect = { to = "/{pth}" }
[[route]]
path = "/1"
redirect = { to = "/", status = 300 }
[[route]]
path = "/2"
redirect = {}
[[route]]
path = "/3"
redirect = { to = "https://{header:X}/" }
[[route]]
path = "/4"
redirect = "/x"
)",
R"(rpx.toml:5:19: bad to "/{pth}": unknown variable "{pth}"; did you mean "{path}"?
redirect = { to = "/{pth}" }
                  ^
rpx.toml:8:33: bad status 300: 300 is no redirect: 301, 302, 303, 307 and 308 are
redirect = { to = "/", status = 300 }
                                ^
rpx.toml:11:12: [redirect] needs "to", such as to = "https://example.com{path}"
redirect = {}
           ^
rpx.toml:14:19: bad to "https://{header:X}/": only {host} and {authority} may stand in the host of a redirect
redirect = { to = "https://{header:X}/" }
                  ^
rpx.toml:17:12: "redirect" must be a table, not a string
redirect = "/x"
           ^
)"},
    {"answers",
R"([[listen]]
address = ":0"
[[route]]
path = "/0"
respond = { status = 99 }
[[route]]
path = "/1"
respond = { status = 204, body = "x" }
[[route]]
path = "/2"
respond = { headers = { "a b" = "c", "Content-Length" = "3", X = "{nope}", Y = 4 } }
)",
R"(rpx.toml:5:22: bad status 99: expected 200 to 599
respond = { status = 99 }
                     ^
rpx.toml:8:34: bad respond: a reply with status 204 has no body
respond = { status = 204, body = "x" }
                                 ^
rpx.toml:11:25: bad name "a b" in headers: "a b" is not a field name
respond = { headers = { "a b" = "c", "Content-Length" = "3", X = "{nope}", Y = 4 } }
                        ^
rpx.toml:11:38: bad name "Content-Length" in headers: Content-Length frames the message on its connection; rpx writes it itself on each side
respond = { headers = { "a b" = "c", "Content-Length" = "3", X = "{nope}", Y = 4 } }
                                     ^
rpx.toml:11:66: bad X "{nope}": unknown variable "{nope}"
respond = { headers = { "a b" = "c", "Content-Length" = "3", X = "{nope}", Y = 4 } }
                                                                 ^
rpx.toml:11:80: "Y" in headers must be a text in quotes, not an integer
respond = { headers = { "a b" = "c", "Content-Length" = "3", X = "{nope}", Y = 4 } }
                                                                               ^
)"},
    {"matchers",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
path = "x"
host = ["a:1", "a", "a"]
methods = ["get"]
header = { "a b" = "1", X = "a\nb" }
)",
R"(rpx.toml:5:8: bad path "x": a path starts with "/", a regular expression with "~"
path = "x"
       ^
rpx.toml:6:9: bad host "a:1": a host is written without scheme and port
host = ["a:1", "a", "a"]
        ^
rpx.toml:6:21: bad host "a": it is in the list already
host = ["a:1", "a", "a"]
                    ^
rpx.toml:7:12: bad methods "get": methods are case-sensitive; did you mean "GET"?
methods = ["get"]
           ^
rpx.toml:8:12: bad name "a b" in header: expected letters, digits, and - _ . ! # $ % & ' * + ^ ` | ~
header = { "a b" = "1", X = "a\nb" }
           ^
rpx.toml:8:29: bad X "a?b": a field value holds no control characters
header = { "a b" = "1", X = "a\nb" }
                            ^
)"},
    {"a path that is no regular expression",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
path = "~ ("
)",
R"(rpx.toml:5:8: bad path "~ (": missing ): (
path = "~ ("
       ^
)"},
    {"changes of the path",
R"x([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
strip_prefix = "v1"
rewrite = { from = "(", to = "x" }
[[route]]
path = "/2"
upstream = "http://h"
rewrite = { from = "(a)", to = "$2" }
[[route]]
path = "/3"
upstream = "http://h"
rewrite = { to = "x" }
)x",
R"x(rpx.toml:5:16: bad strip_prefix "v1": expected a path such as "/v1"
strip_prefix = "v1"
               ^
rpx.toml:6:20: bad rewrite: "(" is not a pattern: missing ): (
rewrite = { from = "(", to = "x" }
                   ^
rpx.toml:10:20: bad rewrite: $2 is used, but the pattern has one group only
rewrite = { from = "(a)", to = "$2" }
                   ^
rpx.toml:14:11: [rewrite] needs "from", such as from = "^/old/(.*)$"
rewrite = { to = "x" }
          ^
)x"},
    {"header rules",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
request_headers = { set = { Connection = "x", "a b" = "c", X = "{status}" }, remove = ["Content-Length"] }
response_headers = { sett = {} }
)",
R"(rpx.toml:5:29: bad name "Connection" in set: Connection frames the message on its connection; rpx writes it itself on each side
request_headers = { set = { Connection = "x", "a b" = "c", X = "{status}" }, remove = ["Content-Length"] }
                            ^
rpx.toml:5:47: bad name "a b" in set: "a b" is not a field name
request_headers = { set = { Connection = "x", "a b" = "c", X = "{status}" }, remove = ["Content-Length"] }
                                              ^
rpx.toml:5:64: bad X "{status}": "{status}" has no value here; it is known only once there is a reply
request_headers = { set = { Connection = "x", "a b" = "c", X = "{status}" }, remove = ["Content-Length"] }
                                                               ^
rpx.toml:5:88: bad remove "Content-Length": Content-Length frames the message on its connection; rpx writes it itself on each side
request_headers = { set = { Connection = "x", "a b" = "c", X = "{status}" }, remove = ["Content-Length"] }
                                                                                       ^
rpx.toml:6:22: unknown key "sett"; did you mean "set"?
response_headers = { sett = {} }
                     ^
)"},
    {"one header in two cases",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
header = { X-A = "1", x-a = "2" }
)",
R"(rpx.toml:5:23: "x-a" is in header already, in another case
header = { X-A = "1", x-a = "2" }
                      ^
)"},
    {"error pages",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
errors = { "200" = "x", 5xx = 5 }
)",
R"(rpx.toml:5:12: bad name "200" in errors: expected a status from 400 to 599, "4xx" or "5xx"
errors = { "200" = "x", 5xx = 5 }
           ^
rpx.toml:5:31: "5xx" in errors must be a text in quotes, not an integer
errors = { "200" = "x", 5xx = 5 }
                              ^
)"},
    {"routes of one name",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
name = "a"
[[route]]
name = "a"
path = "/a"
upstream = "http://h"
[[route]]
name = "route-4"
path = "/b"
upstream = "http://h"
[[route]]
path = "/c"
upstream = "http://h"
)",
R"(rpx.toml:7:8: route "a" is there twice: first at rpx.toml:5
name = "a"
       ^
rpx.toml:14:1: route "route-4" is there twice: first at rpx.toml:11
[[route]]
^
)"},
    {"doubtful but working",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
name = "a"
[[route]]
name = "b"
path = "/x/*"
strip_prefix = "/y"
upstream = "http://h"
[[route]]
name = "c"
upstream = "http://h"
[upstream.unused]
servers = ["http://h"]
)",
R"(rpx.toml:9:16: warning: strip_prefix "/y" never applies: the route's path is "/x/*"
strip_prefix = "/y"
               ^
rpx.toml:11:1: warning: route "c" can never match: route "a" (line 3) takes everything it would
[[route]]
^
rpx.toml:14:11: warning: no route uses upstream "unused"
[upstream.unused]
          ^
ok)"},
};
// clang-format on

}  // namespace

TEST_CASE("config: mistakes in routes are told with their place and a way out", "[config]") {
  for (const Row& row : kRows) {
    INFO(row.name);
    CHECK(rpx::config::problems_of(row.toml) == row.told);
  }
}
