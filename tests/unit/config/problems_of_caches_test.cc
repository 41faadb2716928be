// Wrong caches, and the very words in which that is told.
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
    {"a cache that is not there, or not as it should be",
R"([[listen]]
address = ":0"
[cache.static]
memory = "1KiB"
methods = ["POST"]
key = "{host}"
tags = "a b"
vary = false
[cache]
all = 1
[[route]]
upstream = "http://127.0.0.1:3000"
cache = "statics"
[[route]]
path = "/b"
upstream = "http://127.0.0.1:3000"
cache = "other"
)",
R"(rpx.toml:4:10: bad memory "1KiB": expected 64KiB to 1024TiB
memory = "1KiB"
         ^
rpx.toml:5:12: bad methods "POST": expected "GET" or "HEAD"
methods = ["POST"]
           ^
rpx.toml:6:7: bad key "{host}": a key without {path} would make one object of all
key = "{host}"
      ^
rpx.toml:7:8: bad tags "a b": expected letters, digits, and - _ . ! # $ % & ' * + ^ ` | ~
tags = "a b"
       ^
rpx.toml:8:8: vary = false is not yet supported by this version of rpx
vary = false
       ^
rpx.toml:10:1: [cache] holds named tables only: write [cache.NAME] above "all"
all = 1
^
rpx.toml:13:9: there is no cache "statics"; did you mean "static"?
cache = "statics"
        ^
rpx.toml:17:9: there is no cache "other": add [cache.other]
cache = "other"
        ^
)"},
    {"rules of a cache that say nothing, or name what is not there",
R"([[listen]]
address = ":0"
[cache.static]
status_ttl = { "404" = "1 minute", "600" = "1m", "5xx" = 3 }
bypass = [{}, { path = "a" }, "/b"]
purge = "nobody"
[[route]]
upstream = "http://127.0.0.1:3000"
)",
R"(rpx.toml:4:24: bad "404" in status_ttl: expected a duration such as "30s"
status_ttl = { "404" = "1 minute", "600" = "1m", "5xx" = 3 }
                       ^
rpx.toml:4:36: bad name "600" in status_ttl: expected a status from 200 to 599, or a class such as "5xx"
status_ttl = { "404" = "1 minute", "600" = "1m", "5xx" = 3 }
                                   ^
rpx.toml:4:58: bad "5xx" in status_ttl: expected a duration such as "30s"
status_ttl = { "404" = "1 minute", "600" = "1m", "5xx" = 3 }
                                                         ^
rpx.toml:5:11: a rule says what it is about: path, header, cookie or query
bypass = [{}, { path = "a" }, "/b"]
          ^
rpx.toml:5:24: bad path "a": expected a path such as "/admin", or what is below one: "/admin/*"
bypass = [{}, { path = "a" }, "/b"]
                       ^
rpx.toml:5:31: "bypass" must be a list of rules such as [{ path = "/account/*" }], not a string
bypass = [{}, { path = "a" }, "/b"]
                              ^
rpx.toml: cache "static": purge: there is no access "nobody": add [access.nobody]
)"},
};
// clang-format on

}  // namespace

TEST_CASE("config: mistakes in caches are told with their place and a way out", "[config]") {
  for (const Row& row : kRows) {
    INFO(row.name);
    CHECK(rpx::config::problems_of(row.toml) == row.told);
  }
}
