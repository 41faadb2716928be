#include "cache/key.h"

#include <catch2/catch.hpp>

#include "unit/cache/fields.h"

namespace rpx::cache {

namespace {

std::string key_for(std::string_view text, std::vector<std::string> ignored, std::string_view query) {
  CacheOptions options;
  options.key = text;
  options.ignore_query = std::move(ignored);
  const auto key = KeyTemplate::compile(options);
  REQUIRE(key);
  const http::Headers headers = fields("X-A: 1|x-a: 2");
  std::string out = "left over";
  key->render({"http", "a.test", "/p", query, &headers}, out);
  return out;
}

}  // namespace

TEST_CASE("key: made of what the template names", "[cache]") {
  constexpr std::string_view kStandard = "{scheme}{host}{path}{query}";
  CHECK(key_for(kStandard, {}, "?b=1&a=2") == "http://a.test/p?b=1&a=2");
  CHECK(key_for(kStandard, {}, "?") == "http://a.test/p");
  CHECK(key_for(kStandard, {"utm_*", "x"}, "?utm_a=1&b=1&x&xx=1") == "http://a.test/p?b=1&xx=1");
  CHECK(key_for(kStandard, {"*"}, "?a=1") == "http://a.test/p");
  CHECK(key_for("v2 {path}", {}, "?a=1") == "v2 /p");
  CHECK(key_for("{path}{header:X-A}", {}, "") == "/p 1,2, ");
  CHECK(url_of({"http", "a.test", "/p", "?x", nullptr}) == "http://a.test/p?x");
}

TEST_CASE("key: a wrong template is told", "[cache]") {
  for (const char* text : {"{host}", "{path", "{path}{cookie:a}", "{path}{header:}", ""}) {
    INFO(text);
    CacheOptions options;
    options.key = text;
    CHECK_FALSE(KeyTemplate::compile(options));
  }
}

}  // namespace rpx::cache
