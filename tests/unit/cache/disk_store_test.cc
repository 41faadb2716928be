#include "cache/disk_store.h"

#include <catch2/catch.hpp>

#include "unit/cache/disk_folder.h"

namespace rpx::cache {

using namespace disk_test;

TEST_CASE("disk store: what was put is there after it is opened again, as it was", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder);
    REQUIRE(store->is_open());
    store->put(entry("a"));
    store->put(entry("b", {.reply = "Vary: Accept|Content-Language: de", .request = "Accept: x"}));
    store->put(entry("b", {.reply = "Vary: Accept", .request = "Accept: y", .body = "of y"}));
  }
  const auto store = open(folder);
  CHECK(store->objects() == 3);
  const EntryPtr a = get(*store, "a");
  REQUIRE(a);
  CHECK(a->body() == body_of("a", 100));
  CHECK(a->key() == "a");
  CHECK(a->url() == "http://example.com/a");
  CHECK(a->host() == "example.com");
  CHECK(a->value("Content-Type") == "text/plain");
  CHECK(a->validators().etag == "\"a\"");
  CHECK(a->tags() == std::vector<std::string>{"one", "two"});
  CHECK(a->times().answered == WallTime(std::chrono::seconds(1001)));
  CHECK(a->terms().lifetime == std::chrono::hours(1));
  CHECK(a->terms().source.section == "RFC 9111 5.2.2.1");
  // Age goes by the clock on the wall.
  CHECK(a->age(WallTime(std::chrono::seconds(1061))) == std::chrono::seconds(60));
  CHECK(get(*store, "b", "Accept: y")->body() == "of y");
  CHECK(get(*store, "b", "Accept: x")->body() == body_of("b", 100));
  CHECK_FALSE(get(*store, "b", "Accept: z"));
  CHECK_FALSE(get(*store, "c"));
}

TEST_CASE("disk store: a later object takes the place of an earlier one, over restarts", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder);
    store->put(entry("a", {.body = "first"}));
    store->flush();
    store->put(entry("a", {.body = "second"}));
    store->flush();
    CHECK(store->objects() == 1);
    CHECK(get(*store, "a")->body() == "second");
  }
  CHECK(get(*open(folder), "a")->body() == "second");
}

TEST_CASE("disk store: an object whose head alone has changed is not written whole again", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder);
    store->put(entry("a", {.bytes = 100000}));
    store->flush();
    const std::uint64_t before = store->bytes();
    store->put(entry("a", {.bytes = 100000, .reply = "ETag: \"b\""}));
    store->flush();
    CHECK(store->bytes() < before + 2000);
    CHECK(get(*store, "a")->validators().etag == "\"b\"");
  }
  const auto store = open(folder);
  const EntryPtr a = get(*store, "a");
  REQUIRE(a);
  CHECK(a->validators().etag == "\"b\"");
  CHECK(a->body() == body_of("a", 100000));
}

TEST_CASE("disk store: what has been purged does not come back", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder);
    for (const char* key : {"a", "b", "css/c", "css/d", "e"}) store->put(entry(key));
    store->put(entry("t", {.reply = "Surrogate-Key: three"}));
    store->flush();
    CHECK(store->purge({.url = "http://example.com/a"}, false, true, {}).entries == 1);
    CHECK(get(*store, "a"));
    CHECK(store->purge({.url = "http://example.com/a"}, false, false, {}).entries == 1);
    CHECK_FALSE(get(*store, "a"));
    CHECK(store->purge({.prefix = "http://example.com/css/"}, false, false, {}).entries == 2);
    CHECK(store->purge({.tag = "three"}, false, false, {}).entries == 1);
    CHECK(store->forget("b"));
    CHECK_FALSE(store->forget("not there"));
    store->settle();
    CHECK(store->objects() == 1);
    // What comes after a purge is not what it was about.
    store->put(entry("a", {.body = "after"}));
  }
  {
    const auto store = open(folder);
    CHECK(store->objects() == 2);
    CHECK(get(*store, "e"));
    CHECK(get(*store, "a")->body() == "after");
    CHECK(store->purge({.host = "example.com"}, true, false, {}).entries == 2);
    CHECK(get(*store, "e")->outdated());
    CHECK(store->purge({.url = "http://example.com/e"}, false, false, {}).entries == 1);
  }
  const auto store = open(folder);
  CHECK(store->objects() == 1);
  CHECK(get(*store, "a")->outdated());
  store->purge({}, false, false, {});
  CHECK(store->objects() == 0);
}

TEST_CASE("disk store: a purge takes what waits to be written, too", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder, Size{64} << 20U);
    for (int i = 0; i < 200; ++i) store->put(entry("k" + std::to_string(i), {.bytes = 50000}));
    store->purge({}, false, false, {});
    store->flush();
    CHECK(store->objects() == 0);
  }
  CHECK(open(folder)->objects() == 0);
}

TEST_CASE("disk store: a soft purge marks what waits to be written", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder, Size{64} << 20U);
    for (int i = 0; i < 50; ++i) store->put(entry("k" + std::to_string(i), {.bytes = 50000}));
    store->purge({}, true, false, {});
    store->put(entry("after"));
  }
  const auto store = open(folder, Size{64} << 20U);
  CHECK(store->objects() == 51);
  for (int i = 0; i < 50; ++i) CHECK(get(*store, "k" + std::to_string(i))->outdated());
  CHECK_FALSE(get(*store, "after")->outdated());
}

TEST_CASE("disk store: two do not use one folder", "[cache][disk]") {
  const Folder folder;
  const auto first = open(folder);
  const auto second = open(folder);
  CHECK(first->is_open());
  CHECK_FALSE(second->is_open());
  CHECK(second->complaint() == "another process uses it");
  // It is no store, but neither does it fail.
  second->put(entry("a"));
  CHECK_FALSE(get(*second, "a"));
  CHECK(second->purge({}, false, false, {}).entries == 0);
}

TEST_CASE("disk store: never larger than its size, and what is wanted stays", "[cache][disk]") {
  const Folder folder;
  const auto store = open(folder);
  store->put(entry("wanted", {.bytes = 1000}));
  store->flush();
  for (int i = 0; i < 300; ++i) {
    store->put(entry("k" + std::to_string(i), {.bytes = 20000}));
    store->flush();
    REQUIRE(store->bytes() <= kSize);
    REQUIRE(bytes_in(folder) == store->bytes());
    if (i % 10 == 0) REQUIRE(get(*store, "wanted"));
  }
  CHECK(get(*store, "k299"));
  CHECK_FALSE(get(*store, "k0"));
  CHECK(store->counters().evicted > 200);
  CHECK(fs::exists(folder.store()));
  CHECK(folder.segments().size() <= 70);
  store->set_size(kSize / 4);
  store->put(entry("more"));
  store->flush();
  CHECK(bytes_in(folder) <= kSize / 4);
  // Larger than all: not for it.
  store->put(entry("large", {.bytes = kSize}));
  store->flush();
  CHECK_FALSE(get(*store, "large"));
  CHECK(get(*store, "more"));
}

TEST_CASE("disk store: what memory wants stays on the disk", "[cache][disk]") {
  const Folder folder;
  const std::uint64_t hot = key_hash("hot");
  const auto store = open(folder, kSize, [hot](std::uint64_t hash, std::uint64_t) { return hash == hot; });
  store->put(entry("hot"));
  for (int i = 0; i < 200; ++i) store->put(entry("k" + std::to_string(i), {.bytes = 20000}));
  store->flush();
  CHECK(get(*store, "hot"));
}

}  // namespace rpx::cache
