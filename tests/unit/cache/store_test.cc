#include "cache/store.h"

#include <catch2/catch.hpp>

#include "unit/cache/fields.h"

namespace rpx::cache {

namespace {

EntryPtr entry_of(const std::string& path, std::size_t size = 100, std::vector<VaryField> vary = {}, int answered = 0,
                  std::string_view reply = "Tags: a b") {
  NewEntry made;
  made.key = made.url = "http://h" + path;
  made.host = "h";
  made.body = std::make_shared<const std::string>(size, 'x');
  made.vary = std::move(vary);
  made.times.answered = at(answered);
  return std::make_shared<const Entry>(std::move(made), fields(reply), "tags");
}

rt::Task<void> note_end(Flight& flight, rt::Loop& loop, Instant deadline, std::vector<Flight::End>& ends) {
  const Flight::End end = co_await flight.wait(loop, deadline);
  ends.push_back(end);
}

}  // namespace

TEST_CASE("store: finds what was put, variant by variant", "[cache]") {
  Store store("s", 1 << 20);
  store.put(entry_of("/a", 1, {{"accept", "x"}}));
  store.put(entry_of("/a", 2, {{"accept", "y"}}));
  store.put(entry_of("/a", 3, {{"accept", "y"}}));
  CHECK(store.entries() == 2);
  CHECK(store.find("http://h/a", fields("Accept: y")).entry->body()->size() == 3);
  const Store::Found other = store.find("http://h/a", fields("Accept: z"));
  CHECK_FALSE(other.entry);
  CHECK(other.other_variants);
  CHECK_FALSE(store.find("http://h/b", {}).other_variants);
  CHECK(store.invalidate("http://h/a") == 2);
  CHECK(store.entries() == 0);
  CHECK(store.bytes() == 0);
}

TEST_CASE("store: what is wanted outlives a flood of what is not", "[cache]") {
  const std::size_t each = entry_of("/000000")->bytes();
  Store store("s", each * 100);
  for (int i = 0; i < 50; ++i) {
    store.put(entry_of("/hot" + std::to_string(100 + i)));
    store.find("http://h/hot" + std::to_string(100 + i), {}).entry->count_hit();
  }
  for (int i = 0; i < 10'000; ++i) {
    store.put(entry_of("/c" + std::to_string(10'000 + i)));
    if (i % 50 == 0)
      for (int hot = 0; hot < 50; ++hot)
        if (const auto found = store.find("http://h/hot" + std::to_string(100 + hot), {}); found.entry)
          found.entry->count_hit();
    REQUIRE(store.bytes() <= store.capacity());
  }
  int left = 0;
  for (int i = 0; i < 50; ++i) left += store.find("http://h/hot" + std::to_string(100 + i), {}).entry ? 1 : 0;
  CHECK(left >= 45);
  store.set_capacity(each * 3);
  CHECK(store.entries() <= 3);
  store.put(entry_of("/huge", each * 10));
  CHECK_FALSE(store.find("http://h/huge", {}).entry);
}

TEST_CASE("store: purges by URL, prefix, host and tag, dry, softly and for good", "[cache]") {
  Store store("s", 1 << 20);
  for (const char* path : {"/a/1", "/a/2", "/b"}) store.put(entry_of(path));
  Filter filter;
  filter.prefix = "http://h/a/";
  CHECK(store.list(filter).size() == 2);
  CHECK(store.purge(filter, false, true).entries == 2);
  CHECK(store.purge(filter, true, false).entries == 2);
  CHECK(store.find("http://h/a/1", {}).entry->outdated());
  CHECK_FALSE(store.find("http://h/b", {}).entry->outdated());
  Filter tag;
  tag.tag = "c";
  CHECK(store.purge(tag, false, false).entries == 0);
  tag.tag = "b";
  CHECK(store.purge(tag, false, false).entries == 3);
  CHECK(store.bytes() == 0);
}

TEST_CASE("store: one leads a fill, and a purge meanwhile spoils it", "[cache]") {
  Store store("s", 1 << 20);
  std::shared_ptr<Flight> other;
  const auto lead = store.lead("k", other);
  REQUIRE(lead);
  CHECK_FALSE(store.lead("k", other));
  CHECK(other == lead);
  CHECK_FALSE(lead->spoiled());
  store.purge({}, false, false);
  CHECK(lead->spoiled());
  store.end(lead, Flight::End::kStored);
  CHECK(store.lead("k", other));
  CHECK_FALSE(store.passes("k", at(0)));
  store.remember_pass("k", {"says", "rule"}, at(10));
  CHECK(store.passes("k", at(9))->says == "says");
  CHECK_FALSE(store.passes("k", at(11)));
}

TEST_CASE("flight: waiters hear of its end on their own loop, and not after they have gone", "[cache]") {
  rt::Loop loop;
  const auto flight = std::make_shared<Flight>("k");
  std::vector<Flight::End> ends;
  rt::Task<void> first = note_end(*flight, loop, Instant::max(), ends);
  rt::Task<void> second = note_end(*flight, loop, loop.now(), ends);
  rt::Task<void> gone = note_end(*flight, loop, Instant::max(), ends);
  for (rt::Task<void>* task : {&first, &second, &gone}) task->start(std::noop_coroutine());
  while (ends.empty()) loop.run_once(std::chrono::seconds(1));
  CHECK(ends == std::vector{Flight::End::kUnderWay});
  flight->finish(Flight::End::kStored);
  gone.reset();
  while (ends.size() < 2) loop.run_once(std::chrono::seconds(1));
  CHECK(ends.back() == Flight::End::kStored);
  rt::Task<void> late = note_end(*flight, loop, Instant::max(), ends);
  late.start(std::noop_coroutine());
  CHECK(ends.size() == 3);
}

}  // namespace rpx::cache
