// Memory and the disk behind it as one store.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "cache/store.h"
#include "unit/cache/disk_folder.h"

namespace rpx::cache {

using namespace disk_test;

namespace {

std::unique_ptr<Store> store_at(const Folder& folder, Size memory = Size{1} << 20U) {
  auto store = std::make_unique<Store>("static", memory);
  const Store* looked = store.get();
  auto disk = std::make_shared<DiskStore>(
      "static", DiskOptions{folder.store(), Size{8} << 20U}, "Surrogate-Key",
      [looked](std::uint64_t hash, std::uint64_t variant) { return looked->holds(hash, variant, true); });
  REQUIRE(disk->wait_open(std::chrono::seconds(60)));
  store->use_disk(std::move(disk));
  return store;
}

}  // namespace

TEST_CASE("store: what memory gives up is on the disk", "[cache][disk]") {
  const Folder folder;
  const auto store = store_at(folder, 100000);
  for (int i = 0; i < 20; ++i) store->put(entry("k" + std::to_string(i), {.bytes = 20000}));
  store->disk()->flush();
  CHECK(store->entries() < 6);
  CHECK(store->disk()->objects() == 20);
  CHECK(count_right(*store->disk(), 20, 20000) == 20);
}

TEST_CASE("store: what is too large for memory is on the disk alone, in place of what was there", "[cache][disk]") {
  const Folder folder;
  const auto store = store_at(folder, 100000);
  CHECK(store->most() == (Size{8} << 20U));
  store->put(entry("a", {.body = "old"}));
  store->put(entry("a", {.bytes = 200000}));
  CHECK_FALSE(store->find("a", {}).entry);
  CHECK(store->bytes() == 0);
  store->disk()->flush();
  CHECK(get(*store->disk(), "a")->body().size() == 200000);
  CHECK(store->import(entry("b", {.bytes = 200000})));
  store->disk()->flush();
  CHECK(get(*store->disk(), "b")->body().size() == 200000);
  // An older one that was imported would hide what is here, and one that is here a later one.
  store->put(entry("c", {.body = "small"}));
  CHECK_FALSE(store->import(entry("c", {.bytes = 200000})));
  CHECK(store->find("c", {}).entry->body() == "small");
  store->put(entry("a", {.body = "small again"}));
  CHECK(store->find("a", {}).entry->body() == "small again");
  Store alone("alone", 100000);
  CHECK(alone.most() == 100000);
  alone.put(entry("a", {.bytes = 200000}));
  CHECK(alone.entries() == 0);
  CHECK(alone.counters().stored == 0);
}

TEST_CASE("store: what comes from the disk takes nobody's place who is later", "[cache][disk]") {
  const Folder folder;
  const auto store = store_at(folder);
  store->put(entry("a", {.body = "old"}));
  store->disk()->flush();
  const EntryPtr old = get(*store->disk(), "a");
  store->put(entry("a", {.body = "new"}));
  store->put_read(old);
  CHECK(store->find("a", {}).entry->body() == "new");
  store->put_read(entry("b", {.body = "read"}));
  CHECK(store->find("b", {}).entry->body() == "read");
  CHECK(store->disk()->find("b", {}).empty());
  CHECK_FALSE(store->import(entry("a", {.body = "old"})));
  CHECK(store->import(entry("c", {.body = "imported"})));
  store->disk()->flush();
  CHECK(get(*store->disk(), "c")->body() == "imported");
}

TEST_CASE("store: a purge counts what is in memory and on the disk once", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = store_at(folder);
    for (const char* key : {"a", "b", "c"}) store->put(entry(key));
    store->disk()->flush();
  }
  const auto store = store_at(folder);
  store->put_read(get(*store->disk(), "a"));
  const Taken dry = store->purge({.tag = "one"}, false, true);
  CHECK(dry.entries == 3);
  CHECK(store->purge({.tag = "one"}, false, false).entries == 3);
  CHECK(store->purge({.tag = "one"}, false, false).entries == 0);
  CHECK(store->disk()->objects() == 0);
}

TEST_CASE("store: what is invalidated while others fill and read does not come back", "[cache][disk]") {
  const Folder folder;
  constexpr int kKeys = 40;
  std::atomic<bool> wrong{false};
  {
    const auto store = store_at(folder, 50000);
    const auto work = [&](unsigned seed) {
      std::mt19937 numbers(seed);
      for (int i = 0; i < 400; ++i) {
        const std::string key = "k" + std::to_string(numbers() % kKeys);
        switch (numbers() % 5) {
          case 0: store->invalidate(key); break;
          case 1:
          case 2: {
            // As a fill does.
            std::shared_ptr<Flight> other;
            const auto flight = store->lead(key, other);
            if (!flight) break;
            if (!flight->spoiled()) store->put(entry(key, {.bytes = 3000}));
            store->end(flight, Flight::End::kStored);
            break;
          }
          default:
            if (const EntryPtr got = get(*store->disk(), key); got && got->body() != body_of(key, 3000)) wrong = true;
        }
      }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i) threads.emplace_back(work, i + 1);
    store->purge({.prefix = "http://example.com/k1"}, false, false);
    for (std::thread& thread : threads) thread.join();
    // From here on half of them are gone for good.
    for (int i = 0; i < kKeys; i += 2) store->invalidate("k" + std::to_string(i));
    store->disk()->settle();
    for (int i = 0; i < kKeys; i += 2) CHECK(store->disk()->find("k" + std::to_string(i), {}).empty());
  }
  CHECK_FALSE(wrong);
  const auto store = store_at(folder);
  for (int i = 0; i < kKeys; i += 2) CHECK(store->disk()->find("k" + std::to_string(i), {}).empty());
  count_right(*store->disk(), kKeys, 3000);
}

}  // namespace rpx::cache
