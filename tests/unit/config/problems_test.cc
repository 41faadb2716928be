// Wrong configurations and the very words in which that is told: place, source line, caret, suggestion.
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
    {"an empty file",
R"()",
R"(rpx.toml: no listener: add [[listen]] with an address such as ":8080"
rpx.toml: no route: add [[route]] with an upstream such as "http://127.0.0.1:3000"
)"},
    {"a section of the wrong type",
R"(listen = 3
[[route]]
upstream = "http://127.0.0.1:3000"
)",
R"(rpx.toml:1:10: "listen" is a list of tables: write [[listen]], not an integer
listen = 3
         ^
)"},
    {"a table for a list of tables",
R"([listen]
address = ":1"
[[route]]
upstream = "http://127.0.0.1:3000"
)",
R"(rpx.toml:1:1: "listen" is a list of tables: write [[listen]], not [listen]
[listen]
^
)"},
    {"a misspelt key",
R"([[listen]]
adress = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
)",
R"(rpx.toml:2:1: unknown key "adress"; did you mean "address"?
adress = ":0"
^
)"},
    {"a misspelt key behind tabs and umlauts",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
# ä
	[limits]
	"ähm" = 1
	header = 3
)",
R"(rpx.toml:7:2: unknown key "ähm"
	"ähm" = 1
	^
rpx.toml:8:2: unknown key "header"; did you mean "headers"?
	header = 3
	^
)"},
    {"a misspelt section",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[sreve]
workers = 1
)",
R"(rpx.toml:5:2: unknown key "sreve"; did you mean "serve"?
[sreve]
 ^
)"},
    {"a missing key",
R"([[listen]]
name = "web"
[[route]]
upstream = "http://127.0.0.1:3000"
)",
R"(rpx.toml:1:1: [[listen]] needs "address", such as address = ":8080"
[[listen]]
^
)"},
    {"wrong types",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[serve]
workers = "x"
grace = 5
via = "yes"
user = 7
)",
R"(rpx.toml:6:11: "workers" must be an integer such as 4, not a string
workers = "x"
          ^
rpx.toml:7:9: "grace" must be a duration such as "30s" or "250ms", not an integer
grace = 5
        ^
rpx.toml:8:7: "via" must be true or false, not a string
via = "yes"
      ^
rpx.toml:9:8: "user" must be a text in quotes, not an integer
user = 7
       ^
)"},
    {"values out of range",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[serve]
workers = 99999999999
max_connections = 0
[limits]
header_bytes = "1B"
headers = 20000
uri_bytes = -1
)",
R"(rpx.toml:6:11: bad workers 99999999999: expected 0 to 1024 threads
workers = 99999999999
          ^
rpx.toml:7:19: bad max_connections 0: expected 1 to 10000000 connections
max_connections = 0
                  ^
rpx.toml:9:16: bad header_bytes "1B": expected 512B to 16MiB
header_bytes = "1B"
               ^
rpx.toml:10:11: bad headers 20000: expected 1 to 10000 lines, or 0 for no limit
headers = 20000
          ^
rpx.toml:11:13: bad uri_bytes -1: expected a size such as "16KiB" or "10MB"
uri_bytes = -1
            ^
)"},
    {"durations, sizes, rates and shares without units",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[limits]
keepalive = "30"
body_bytes = "10 Q"
min_body_rate = "5"
[upstream.a]
servers = ["http://h"]
retry = { budget = "0.2" }
)",
R"(rpx.toml:6:13: bad keepalive "30": expected a duration such as "30s" or "250ms"
keepalive = "30"
            ^
rpx.toml:7:14: bad body_bytes "10 Q": expected a size such as "16KiB" or "10MB"
body_bytes = "10 Q"
             ^
rpx.toml:8:17: bad min_body_rate "5": expected a rate of bytes such as "500B/s"
min_body_rate = "5"
                ^
rpx.toml:11:20: bad budget "0.2": expected a share from "0%" to "100%"
retry = { budget = "0.2" }
                   ^
)"},
    {"certificates to be obtained for nobody",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[acme]
email = "ops@a.test"
)",
R"(rpx.toml:5:1: warning: hosts is empty: no certificate is obtained or renewed
[acme]
^
ok)"},
    {"words that are none of the choices",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[log]
level = "warn"
errors = "sterr"
access = "stdot"
format = "comon"
)",
R"(rpx.toml:6:9: bad level "warn": expected "trace", "debug", "info", "notice", "warning" or "error"
level = "warn"
        ^
rpx.toml:7:10: bad errors "sterr": expected "stderr", "syslog" or a path, with a "/" or "." in it; did you mean "stderr"?
errors = "sterr"
         ^
rpx.toml:8:10: bad access "stdot": expected "off", "stdout", "stderr", "syslog" or a path, with a "/" or "." in it; did you mean "stdout"?
access = "stdot"
         ^
rpx.toml:9:10: bad format "comon": expected "json", "common", "combined" or a template such as "{client} {method} {path} {status}"; did you mean "common"?
format = "comon"
         ^
)"},
    {"a log template with an unknown variable",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[log]
format = "{clinet}"
)",
R"(rpx.toml:6:10: bad format "{clinet}": unknown variable "{clinet}"; did you mean "{client}"?
format = "{clinet}"
         ^
)"},
    {"what is not supported yet",
R"([[listen]]
address = ":0"
[[route]]
upstream = "a"
[upstream.a]
servers = ["http://h"]
balance = "first"
[cluster]
methods = ["GET"]
[[listen]]
address = ":1"
protocols = ["h2"]
mode = "tcp"
)",
R"(rpx.toml:8:2: "cluster" is not yet supported by this version of rpx
[cluster]
 ^
rpx.toml:12:13: h2 is for listeners with tls; without, it is called h2c
protocols = ["h2"]
            ^
rpx.toml:12:13: "protocols" is for HTTP, and this listener has mode = "tcp"
protocols = ["h2"]
            ^
rpx.toml:13:8: a tcp listener goes somewhere: give it upstream or sni
mode = "tcp"
       ^
)"},
    {"HTTP/2 where it cannot be",
R"([[listen]]
address = ":0"
[[route]]
upstream = "a"
[upstream.a]
servers = ["http://h"]
protocol = "h2"
[upstream.b]
servers = ["https://h"]
protocol = "h2c"
[upstream.c]
servers = ["https://h"]
protocol = "auto"
proxy_protocol = 2
)",
R"(rpx.toml:7:12: h2 is for https servers, and http://h is none; in the clear it is called h2c
protocol = "h2"
           ^
rpx.toml:10:12: h2c is for servers without TLS, and https://h has it; there it is called h2
protocol = "h2c"
           ^
rpx.toml:13:12: proxy_protocol names one client for each connection, and HTTP/2 shares them: leave one of the two
protocol = "auto"
           ^
)"},
    {"variables",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[serve]
user = "${NOPE}"
server_name = "${WHO-x}"
control = "${UNCLOSED"
)",
R"(rpx.toml:6:8: environment variable NOPE is not set; ${NOPE:-value} gives a default
user = "${NOPE}"
       ^
rpx.toml:7:15: bad variable "${WHO-x}": expected ${NAME} or ${NAME:-default}; $${ stands for ${ itself
server_name = "${WHO-x}"
              ^
rpx.toml:8:11: "${UNCLOSED" has no closing brace
control = "${UNCLOSED"
          ^
)"},
    {"include below a section",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
include = ["x.toml"]
)",
R"(rpx.toml:5:1: unknown key "include" here: it stands above the first [section]
include = ["x.toml"]
^
)"},
    {"include of the wrong type",
R"(include = "x.toml"
[[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
)",
R"(rpx.toml:1:11: "include" must be a list of files such as ["conf.d/*.toml"], not a string
include = "x.toml"
          ^
)"},
    {"a key that is given twice",
R"([serve]
workers = 1
workers = 2
)",
R"(rpx.toml:3:11: not valid TOML: parsing key-value pair: cannot redefine existing integer 'workers'
workers = 2
          ^
)"},
    {"a section that is given twice",
R"([serve]
[serve]
)",
R"(rpx.toml:2:1: not valid TOML: parsing table header: cannot redefine existing table 'serve'
[serve]
^
)"},
    {"a text without its end",
R"([serve]
user = "nobody
)",
R"(rpx.toml:2:15: not valid TOML: a text in quotes must end on its line; is a quote missing?
user = "nobody
              ^
)"},
    {"a text without quotes",
R"([serve]
grace = 30s
)",
R"(rpx.toml:2:11: not valid TOML: parsing decimal integer: expected digit, saw 's'; texts, durations and sizes stand in quotes
grace = 30s
          ^
)"},
    {"a key without a value",
R"([serve]
grace =
)",
R"(rpx.toml:2:8: not valid TOML: parsing key-value pair: expected value, saw '\n'
grace =
       ^
)"},
    {"a name that will be known one day, misspelt",
R"([[listen]]
address = ":0"
[[route]]
upstream = "http://127.0.0.1:3000"
[cahce.static]
)",
R"(rpx.toml:5:2: unknown key "cahce"; did you mean "cache"?
[cahce.static]
 ^
)"},
    {"what the library trips over",
R"([/a]
)",
R"(rpx.toml:1:2: not valid TOML: parsing key: expected bare key starting character or string delimiter, saw '/'
[/a]
 ^
)"},
    {"an umlaut where none may be",
R"(grace = ä
)",
R"(rpx.toml:1:9: not valid TOML: parsing value: could not determine value type; texts, durations and sizes stand in quotes
grace = ä
        ^
)"},
    {"control characters in the line",
"x = \"\x01\" \x1b[31m\n",
R"(rpx.toml:1:6: not valid TOML: parsing string: unescaped control characters other than TAB (U+0009) are explicitly prohibited
x = "?" ?[31m
     ^
)"},
};
// clang-format on

}  // namespace

TEST_CASE("config: mistakes of form and of whole sections are told with their place and a way out", "[config]") {
  for (const Row& row : kRows) {
    INFO(row.name);
    CHECK(rpx::config::problems_of(row.toml) == row.told);
  }
}
