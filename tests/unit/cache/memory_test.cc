// What objects cost, by the store's own account and by the allocator's.
#include <malloc.h>

#include <catch2/catch.hpp>

#include "cache/span32.h"
#include "cache/store.h"
#include "unit/cache/fields.h"

namespace rpx::cache {
namespace {

constexpr std::string_view kHead =
    "Date: Sat, 28 Nov 2026 09:00:00 GMT|Content-Type: application/json|Cache-Control: public, max-age=3600|"
    "ETag: \"5f3c-1a2b3c4d\"|Last-Modified: Fri, 27 Nov 2026 21:14:09 GMT";

EntryPtr object(int number, std::size_t size) {
  NewEntry made;
  made.key = made.url = "http://api.example.com/v1/items/" + std::to_string(1'000'000 + number);
  made.host = "api.example.com";
  made.times.answered = made.times.asked = at(0);
  made.terms.lifetime = std::chrono::hours(1);
  made.terms.source = {"max-age", "RFC 9111 5.2.2.1"};
  made.body = std::make_shared<const std::string>(size, 'x');
  return Entry::make(std::move(made), fields(kHead), "Surrogate-Key");
}

// As the origin sent it: the head and the body.
std::size_t own_bytes(std::size_t size) {
  std::size_t out = std::string_view("HTTP/1.1 200 OK\r\n\r\n").size() + size;
  for (const http::Field& field : fields(kHead)) out += field.name.size() + field.value.size() + 4;
  return out;
}

}  // namespace

TEST_CASE("memory: small objects cost little more than their own bytes, and as much as is accounted for", "[cache]") {
  constexpr int kObjects = 50'000;
  for (const std::size_t size : {std::size_t{128}, std::size_t{1000}, std::size_t{10'000}}) {
    INFO("bodies of " << size << " bytes");
    const int objects = kObjects * 128 / static_cast<int>(std::max<std::size_t>(size, 256)) * 2;
    Store store("s", Size{1} << 32U);
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (int i = 0; i < objects; ++i) store.put(object(i, size));
    const std::size_t taken = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    const auto each = [objects](std::size_t bytes) { return static_cast<double>(bytes) / objects; };
    const double most = static_cast<double>(own_bytes(size)) * 1.15 + 200;
    INFO("accounted " << each(store.bytes()) << ", taken " << each(taken) << ", at most " << most);
    CHECK(each(store.bytes()) <= most);
    // Where the allocator is another, under a sanitizer, it does not tell.
    if (taken != 0) {
      CHECK(each(taken) <= most);
      CHECK(std::abs(each(taken) - each(store.bytes())) <= 16);
    }
  }
}

TEST_CASE("memory: a span in 32 bits is as long as it was, to the millisecond or the second", "[cache]") {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  for (const Duration span : {Duration(0), Duration(milliseconds(1)), Duration(milliseconds(86'400'001)),
                              Duration(seconds(31'536'000)), kLongest})
    CHECK(Span32(span).value() == span);
  CHECK(Span32(Duration(-1)).value() == Duration(0));
  CHECK(Span32(std::chrono::microseconds(1500)).value() == milliseconds(1));
  CHECK(Span32(std::chrono::microseconds(1500), true).value() == milliseconds(2));
  CHECK(Span32(kLongest + seconds(1)).value() == kLongest);
  // The one that is taken for the longest.
  CHECK(Span32(kLongest - seconds(1)).value() == kLongest);
  CHECK(Span32(kLongest - seconds(2)).value() == kLongest - seconds(2));
  CHECK(Span32(kLongest - milliseconds(500), true).value() == kLongest);
}

}  // namespace rpx::cache
