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
  return Entry::make(std::move(made), fields(reply), "tags");
}

EntryPtr piece_of(std::string body, std::uint64_t first, std::string_view etag = R"("a")", std::uint64_t total = 10) {
  NewEntry made;
  made.key = made.url = "http://h/a";
  made.host = "h";
  made.status = 206;
  made.times.answered = at(0);
  Piece piece;
  piece.asked = "bytes=" + std::to_string(first) + "+" + std::to_string(body.size());
  piece.place = ContentRange{first, first + body.size() - 1, total};
  made.body = std::make_shared<const std::string>(std::move(body));
  made.piece = std::make_unique<const Piece>(std::move(piece));
  const std::string reply = "Content-Range: left out|ETag: " + std::string(etag);
  return Entry::make(std::move(made), fields(reply), "");
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
  CHECK(store.find("http://h/a", fields("Accept: y")).entry->body().size() == 3);
  const Store::Found other = store.find("http://h/a", fields("Accept: z"));
  CHECK_FALSE(other.entry);
  CHECK(other.other_variants);
  CHECK_FALSE(store.find("http://h/b", {}).other_variants);
  CHECK(store.invalidate("http://h/a") == 2);
  CHECK(store.entries() == 0);
  CHECK(store.bytes() == 0);
}

TEST_CASE("store: pieces stand beside each other until one covers them, or the object is there or another",
          "[cache][rfc9111-3.4]") {
  Store store("s", 1 << 20);
  const auto count = [&store] { return store.pieces("http://h/a", {}).size(); };
  store.put(piece_of("01", 0));
  store.put(piece_of("67", 6));
  CHECK(count() == 2);
  CHECK(store.find("http://h/a", {}).pieces);
  CHECK_FALSE(store.find("http://h/a", {}).entry);
  CHECK_FALSE(store.pieces("http://h/a", {}).front()->fields().find("Content-Range"));
  store.put(piece_of("0123", 0));
  CHECK(count() == 2);
  store.put(piece_of("89", 8, R"("b")"));
  CHECK(count() == 1);
  store.put(entry_of("/a"));
  CHECK(count() == 0);
  CHECK(store.find("http://h/a", {}).entry);
  store.put(piece_of("01", 0));
  CHECK(store.find("http://h/a", {}).entry);
  CHECK(store.invalidate("http://h/a") == 2);
  for (std::uint64_t i = 0; i < 100; ++i) store.put(piece_of("x", 2 * i, R"("a")", 1000));
  CHECK(count() == 16);
}

TEST_CASE("store: pieces of the same object are joined where they touch, others never", "[cache][rfc9111-3.4]") {
  struct Row {
    std::string_view fresh;
    std::uint64_t first;
    std::string_view etag;
    bool joins;
    std::string_view body;
  };
  const EntryPtr stored = piece_of("3456", 3);
  for (const Row& row : {
           Row{"789", 7, R"("a")", true, "3456789"},
           Row{"12", 1, R"("a")", true, "123456"},
           Row{"45", 4, R"("a")", true, "3456"},
           Row{"0123456789", 0, R"("a")", true, "0123456789"},
           Row{"89", 8, R"("a")", false, "89"},
           Row{"789", 7, R"("b")", false, "789"},
           Row{"789", 7, R"(W/"a")", false, "789"},
           Row{"789", 7, "", false, "789"},
       }) {
    INFO(row.fresh << " at " << row.first << ' ' << row.etag);
    Piece piece;
    piece.place = ContentRange{row.first, row.first + row.fresh.size() - 1, 10};
    std::string body(row.fresh);
    CHECK(join(piece, body, row.etag, *stored) == row.joins);
    CHECK(body == row.body);
    CHECK(piece.place->last - piece.place->first + 1 == body.size());
  }
  Piece other;
  other.place = ContentRange{7, 8, 9};
  std::string body = "78";
  CHECK_FALSE(join(other, body, R"("a")", *stored));
  const EntryPtr weak = piece_of("3456", 3, R"(W/"a")");
  other.place = ContentRange{7, 8, 10};
  CHECK_FALSE(join(other, body, R"(W/"a")", *weak));
}

TEST_CASE("store: a group is of one origin", "[cache][rfc9875-2]") {
  Store store("s", 1 << 20);
  store.put(entry_of("/a", 1, {}, 0, R"(Cache-Groups: "g", "h")"));
  store.put(entry_of("/b", 1, {}, 0, R"(Cache-Groups: "h")"));
  store.put(entry_of(".example/a", 1, {}, 0, R"(Cache-Groups: "g")"));
  Filter filter;
  filter.group = "g";
  filter.origin = "http://h";
  CHECK(store.purge(filter, false, false).entries == 1);
  CHECK_FALSE(store.find("http://h/a", {}).entry);
  CHECK(store.entries() == 2);
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

TEST_CASE("store: walks and look-ups find each of many, and none twice", "[cache]") {
  constexpr std::uint64_t kMany = 20'000;
  Store store("s", Size{1} << 30U);
  for (std::uint64_t i = 0; i < kMany; ++i) store.put(entry_of("/" + std::to_string(i), 1, {}, 0, "Tags: all a a"));
  Filter tag;
  tag.tag = "all";
  Filter prefix;
  prefix.prefix = "http://h/1";
  CHECK(store.list({}).size() == kMany);
  CHECK(store.purge(tag, true, false).entries == kMany);
  CHECK(store.purge(tag, false, true).entries == kMany);
  const std::uint64_t with_one = store.purge(prefix, false, false).entries;
  CHECK(with_one == 11'111);
  CHECK(store.purge(tag, false, true).entries == kMany - with_one);
  CHECK(store.purge_key("http://h/2", true).entries == 1);
  CHECK(store.purge_key("http://h/2", false).entries == 1);
  CHECK(store.purge_key("http://h/2", false).entries == 0);
  CHECK(store.purge(tag, false, false).entries == kMany - with_one - 1);
  CHECK(store.entries() == 0);
  CHECK(store.bytes() == 0);
}

TEST_CASE("store: what was purged on its way is not waited for", "[cache]") {
  Store store("s", 1 << 20);
  std::shared_ptr<Flight> other;
  const auto first = store.lead("k", other);
  store.purge_key("k", false);
  const auto second = store.lead("k", other);
  REQUIRE(second);
  CHECK(second != first);
  store.end(first, Flight::End::kNothing);
  CHECK_FALSE(store.lead("k", other));
  CHECK(other == second);
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
