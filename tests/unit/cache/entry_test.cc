#include "cache/entry.h"

#include <catch2/catch.hpp>

#include "unit/cache/fields.h"

namespace rpx::cache {

TEST_CASE("entry: keeps the object's fields, and not those of the message or of one client", "[cache][rfc9111-3.1]") {
  NewEntry made;
  made.body = std::make_shared<const std::string>("body");
  made.terms.private_fields = {"x-mine"};
  const EntryPtr entry =
      Entry::make(std::move(made), fields("Content-Length: 4|Age: 3|X-Mine: 1|ETag: \"a\"|Tags: a  b"), "tags");
  CHECK(entry->fields().size() == 2);
  CHECK(entry->validators().etag == "\"a\"");
  CHECK(entry->tags() == std::vector<std::string>{"a", "b"});
  CHECK(entry->bytes() > 4 + sizeof(Entry));
}

TEST_CASE("entry: chosen by what Vary names", "[cache][rfc9111-4.1]") {
  const auto vary = [](std::string_view names, std::string_view request) {
    return vary_of(fields(names), fields(request));
  };
  NewEntry made;
  made.body = std::make_shared<const std::string>();
  made.vary = vary("Vary: Accept, X-B|Vary: accept", "Accept: a , b|X-B:");
  REQUIRE(made.vary.size() == 2);
  const EntryPtr entry = Entry::make(std::move(made), {}, "");
  CHECK(entry->matches(fields("X-B:|accept: a,b")));
  CHECK(entry->matches(fields("X-B:|Accept: a|Accept: b")));
  CHECK_FALSE(entry->matches(fields("Accept: a,b")));
  CHECK_FALSE(entry->matches(fields("X-B:|Accept: b,a")));
  CHECK(vary("Vary: Accept-Language", "Accept-Language: EN, de-AT") ==
        vary("vary: accept-language", "accept-language: en,de-at"));
}

TEST_CASE("entry: a reply in the language that is liked best is chosen", "[cache][rfc9110-12.5.4]") {
  NewEntry made;
  made.body = std::make_shared<const std::string>();
  made.vary = vary_of(fields("Vary: Accept-Language"), fields("Accept-Language: en, de"));
  const EntryPtr entry = Entry::make(std::move(made), fields("Content-Language: de"), "");
  CHECK(entry->matches(fields("Accept-Language: fr;q=0.5, de")));
  CHECK(entry->matches(fields("Accept-Language: de, en")));
  CHECK_FALSE(entry->matches(fields("Accept-Language: de;q=0.5, fr")));
  CHECK_FALSE(entry->matches(fields("Accept: de")));
}

TEST_CASE("entry: a 304 updates all but what is about the bytes", "[cache][rfc9111-3.2]") {
  const http::Headers stored = fields("A: 1|A: 2|Content-Encoding: gzip|Content-Type: x|B: 1");
  const http::Headers update = fields("a: 3|Content-Encoding: br|Content-Length: 0|C: 1");
  const http::Headers out = merged(stored, update);
  CHECK(out.value("A") == "3");
  CHECK(out.value("Content-Encoding") == "gzip");
  CHECK(out.value("B") == "1");
  CHECK(out.value("C") == "1");
  CHECK(out.size() == 5);
}

}  // namespace rpx::cache
