#include "load/feed.h"

#include <catch2/catch.hpp>

using rpx::load::Feed;

TEST_CASE("a CSV feed names its columns first, and quotes what it has to", "[load]") {
  auto feed =
      Feed::parse("id,text\r\n1,plain\r\n2,\"with, comma\"\r\n3,\"two \"\"words\"\"\nand lines\"\r\n", "users.csv");
  REQUIRE(feed);
  REQUIRE(feed->size() == 3);
  CHECK(feed->columns() == std::vector<std::string>{"id", "text"});
  CHECK(feed->take()[1] == "plain");
  CHECK(feed->take()[1] == "with, comma");
  CHECK(feed->take()[1] == "two \"words\"\nand lines");
  CHECK(feed->take()[0] == "1");
}

TEST_CASE("a JSON-lines feed takes its columns from the first object", "[load]") {
  auto feed =
      Feed::parse("{\"id\":1,\"name\":\"ann\"}\n\n{\"name\":\"bob\",\"id\":2}\n{\"id\":null}\n", "users.ndjson");
  REQUIRE(feed);
  REQUIRE(feed->size() == 3);
  const std::size_t name = feed->find("name");
  REQUIRE(name != Feed::npos);
  CHECK(feed->take()[name] == "ann");
  CHECK(feed->take()[name] == "bob");
  CHECK(feed->take()[name].empty());
  CHECK(feed->find("age") == Feed::npos);
}

TEST_CASE("a feed that cannot be read says where", "[load]") {
  CHECK(Feed::parse("a,b\n1\n", "f.csv").error().detail == "f.csv:2: 1 values where the first line names 2");
  CHECK(Feed::parse("a\n\"x\n", "f.csv").error().detail == "f.csv:2: a quote is not closed");
  CHECK(Feed::parse("a,b\n", "f.csv").error().detail == "f.csv:1: no rows");
  CHECK(Feed::parse("{\"a\":1}\nnot\n", "f.json").error().detail == "f.json:2: no JSON object");
}
