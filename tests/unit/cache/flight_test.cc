#include "cache/flight.h"

#include <catch2/catch.hpp>

#include "cache/store.h"
#include "unit/cache/fields.h"

namespace rpx::cache {
namespace {

EntryPtr empty_head() {
  NewEntry made;
  made.key = made.url = "http://h/a";
  return Entry::make(std::move(made), fields("ETag: \"a\""), "");
}

rt::Task<void> note_end(Flight& flight, rt::Loop& loop, std::vector<Flight::End>& ends) {
  const Flight::End end = co_await flight.wait(loop, Instant::max());
  ends.push_back(end);
}

rt::Task<void> note_more(Flight& flight, std::size_t at, rt::Loop& loop, int& woken) {
  const bool more = co_await flight.wait_beyond(at, loop, Instant::max());
  if (more) ++woken;
}

}  // namespace

TEST_CASE("flight: who waits hears of the head, and reads what comes from its first byte", "[cache]") {
  rt::Loop loop;
  const auto flight = std::make_shared<Flight>("k");
  std::vector<Flight::End> ends;
  rt::Task<void> waits = note_end(*flight, loop, ends);
  waits.start(std::noop_coroutine());
  flight->open(empty_head(), 6);
  while (ends.empty()) loop.run_once(std::chrono::seconds(1));
  CHECK(ends == std::vector{Flight::End::kOpened});
  CHECK(flight->length() == 6);
  CHECK(flight->head()->validators().etag == "\"a\"");
  Flight::Piece piece = flight->read(0, 10);
  CHECK((piece.data.empty() && !piece.end && !piece.failed));
  int woken = 0;
  rt::Task<void> more = note_more(*flight, 0, loop, woken);
  more.start(std::noop_coroutine());
  flight->append("abc");
  while (woken == 0) loop.run_once(std::chrono::seconds(1));
  CHECK(flight->read(0, 10).data == "abc");
  CHECK(flight->read(1, 1).data == "b");
  flight->append("def");
  CHECK_FALSE(flight->read(0, 10).end);
  const auto body = flight->close();
  REQUIRE(body);
  CHECK(*body == "abcdef");
  piece = flight->read(3, 10);
  CHECK((piece.data == "def" && piece.end));
  flight->finish(Flight::End::kStored);
  CHECK_FALSE(flight->read(6, 10).failed);
}

TEST_CASE("flight: what a reader has stays where it is while the rest grows", "[cache]") {
  const auto flight = std::make_shared<Flight>("k");
  flight->open(empty_head(), std::nullopt);
  flight->append("begin");
  const Flight::Piece piece = flight->read(0, 100);
  const std::string large(1'000'000, 'x');
  for (int i = 0; i < 5; ++i) flight->append(large);
  CHECK(piece.data == "begin");
  CHECK(flight->size() == 5'000'005);
  const auto body = flight->close();
  CHECK(body->size() == 5'000'005);
  CHECK(body->capacity() < 5'500'000);
  CHECK(flight->read(5'000'000, 100).data == "xxxxx");
}

TEST_CASE("flight: readers of one that fails are told once they have what there is", "[cache]") {
  const auto flight = std::make_shared<Flight>("k");
  flight->open(empty_head(), 10);
  flight->append("abc");
  flight->finish(Flight::End::kFailed);
  CHECK_FALSE(flight->read(0, 10).failed);
  CHECK(flight->read(3, 10).failed);
}

TEST_CASE("flight: its leader leaves only where nobody reads along, and then nobody comes to any more", "[cache]") {
  Store store("static", 100000);
  std::shared_ptr<Flight> other;
  const auto flight = store.lead("k", other);
  flight->open(empty_head(), 10);
  CHECK_FALSE(flight->is_over());
  {
    const Flight::Reader reader(flight);
    {
      const Flight::Reader second(flight);
      CHECK_FALSE(flight->end_unread());
    }
    CHECK_FALSE(flight->end_unread());
    CHECK_FALSE(flight->is_over());
  }
  CHECK(flight->end_unread());
  CHECK(flight->is_over());
  // The store has not been told yet: whoever asks leads.
  const auto next = store.lead("k", other);
  CHECK(next);
  CHECK(next != flight);
  CHECK_FALSE(other);
  store.end(flight, Flight::End::kFailed);
  CHECK_FALSE(store.lead("k", other));
  CHECK(other == next);
}

}  // namespace rpx::cache
