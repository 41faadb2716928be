#include "cache/bypass.h"

#include <catch2/catch.hpp>

#include "unit/cache/fields.h"

namespace rpx::cache {

TEST_CASE("bypass: a rule is about requests that have all it names", "[cache]") {
  struct Row {
    BypassOptions rule;
    std::string_view path;
    std::string_view query;
    std::string_view headers;
    bool about;
  };
  for (const Row& row : {
           Row{{.path = "/a"}, "/a", "", "", true},
           Row{{.path = "/a"}, "/a/b", "", "", false},
           Row{{.path = "/a/*"}, "/a/b", "", "", true},
           Row{{.path = "/a/*"}, "/a", "", "", true},
           Row{{.path = "/a/*"}, "/ab", "", "", false},
           Row{{.header = {{"X-A", "*"}}}, "/", "", "x-a: 1", true},
           Row{{.header = {{"X-A", "2"}}}, "/", "", "x-a: 1", false},
           Row{{.header = {{"X-A", "*"}, {"X-B", "*"}}}, "/", "", "X-A: 1", false},
           Row{{.cookie = "sess*"}, "/", "", "Cookie: a=1; session=2", true},
           Row{{.cookie = "sess*"}, "/", "", "Cookie: a=session", false},
           Row{{.cookie = "a"}, "/", "", "Cookie: b=1|Cookie: a=1", true},
           Row{{.query = "pre*"}, "/", "?a=1&preview", "", true},
           Row{{.query = "pre*"}, "/", "?a=preview", "", false},
           Row{{.query = "pre*"}, "/", "", "", false},
           Row{{.path = "/a", .query = "p"}, "/b", "?p", "", false},
       }) {
    INFO(row.path << row.query << ' ' << row.headers);
    http::RequestHead request;
    request.target.path = row.path;
    request.target.query = row.query;
    request.headers = fields(row.headers);
    CHECK(is_bypassed({row.rule}, request) == row.about);
  }
  CHECK_FALSE(is_bypassed({}, http::RequestHead{}));
}

}  // namespace rpx::cache
