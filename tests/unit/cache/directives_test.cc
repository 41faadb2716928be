#include "cache/directives.h"

#include <catch2/catch.hpp>

#include "unit/cache/fields.h"

namespace rpx::cache {

using std::chrono::seconds;

TEST_CASE("directives: spans are digits, and what is none is stale", "[cache][rfc9111-1.2.2]") {
  struct Row {
    std::string_view value;
    std::optional<Duration> max_age;
  };
  for (const Row& row :
       {Row{"max-age=60", seconds(60)}, Row{"MAX-AGE=60", seconds(60)}, Row{"max-age=\"60\"", seconds(60)},
        Row{"max-age=060", seconds(60)}, Row{"max-age=-1", seconds(0)}, Row{"max-age=1.5", seconds(0)},
        Row{"max-age=", seconds(0)}, Row{"max-age", seconds(0)}, Row{"max-age=a60", seconds(0)},
        Row{"max-age=60, max-age=5", seconds(5)}, Row{"max-age=99999999999999999999", kLongest},
        Row{"public", std::nullopt}, Row{"x-max-age=5", std::nullopt},
        Row{"foo=\"a, max-age=5\", max-age=60", seconds(60)}}) {
    INFO(row.value);
    http::Headers headers;
    headers.add("Cache-Control", row.value);
    CHECK(parse_cache_control(headers).max_age == row.max_age);
  }
}

TEST_CASE("directives: flags and lists of names", "[cache][rfc9111-5.2]") {
  const Directives said = parse_cache_control(fields(
      "Cache-Control: no-cache=\"Set-Cookie, X-A\", private=x-b , must-revalidate|Cache-Control: no-store,public"));
  CHECK(said.no_cache_fields == std::vector<std::string>{"set-cookie", "x-a"});
  CHECK(said.private_fields == std::vector<std::string>{"x-b"});
  CHECK_FALSE(said.no_cache);
  CHECK_FALSE(said.is_private);
  CHECK(said.must_revalidate);
  CHECK(said.no_store);
  CHECK(said.is_public);
  CHECK(parse_cache_control(fields("Cache-Control: max-stale")).max_stale == kLongest);
}

TEST_CASE("directives: targeted control is a dictionary or nothing", "[cache][rfc9213-2.1]") {
  const auto of = [](std::string_view value) {
    http::Headers headers;
    headers.add("CDN-Cache-Control", value);
    return parse_targeted(headers);
  };
  CHECK(of("max-age=60")->max_age == seconds(60));
  CHECK(of("max-age=60;x=1, no-cache")->no_cache);
  CHECK(of("max-age=1, max-age=60")->max_age == seconds(60));
  CHECK(of("private=?0, no-store")->no_store);
  CHECK_FALSE(of("private=?0, no-store")->is_private);
  for (const std::string_view bad :
       {"", "max-age=60,", "MAX-AGE=60", "max-age=60 no-store", "max-age=\"60\", public", "a=\"", "&"}) {
    INFO(bad);
    CHECK_FALSE(of(bad));
  }
}

}  // namespace rpx::cache
