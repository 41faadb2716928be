#include "cache/snapshot.h"

#include <catch2/catch.hpp>

#include "cache/disk_entry.h"
#include "unit/cache/disk_folder.h"

namespace rpx::cache {

using namespace disk_test;

namespace {

std::string some_snapshot() {
  std::string out = snapshot_begin(42);
  for (const char* key : {"a", "b"}) out += snapshot_object(*entry(key));
  return out + snapshot_end(2);
}

// How many objects are read until something is wrong, or all are.
std::uint64_t read_all(SnapshotReader& reader) {
  for (std::uint64_t count = 0;; ++count) {
    const auto object = reader.next();
    if (!object || !*object) return count;
  }
}

}  // namespace

TEST_CASE("snapshot: reads back as it was written, in pieces of any size", "[cache][disk]") {
  const std::string bytes = some_snapshot();
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    SnapshotReader reader(true);
    std::vector<std::string> bodies;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      reader.feed(std::string_view(bytes).substr(at, step));
      for (;;) {
        auto object = reader.next();
        REQUIRE(object);
        if (!*object) break;
        CHECK((*object)->head.tags == std::vector<std::string>{"one", "two"});
        bodies.push_back((*object)->body);
      }
    }
    CHECK(reader.ended());
    CHECK(reader.count() == 2);
    CHECK(bodies == std::vector<std::string>{body_of("a", 100), body_of("b", 100)});
  }
}

TEST_CASE("snapshot: cut anywhere, it does not end; flipped anywhere, it is not read", "[cache][disk]") {
  const std::string bytes = some_snapshot();
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    SnapshotReader reader(true);
    reader.feed(std::string_view(bytes).substr(0, cut));
    read_all(reader);
    REQUIRE_FALSE(reader.ended());
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    SnapshotReader reader(true);
    reader.feed(flipped);
    read_all(reader);
    REQUIRE_FALSE(reader.ended());
  }
  SnapshotReader longer(true);
  longer.feed(bytes + "x");
  CHECK(read_all(longer) == 2);
  CHECK_FALSE(longer.next());
}

}  // namespace rpx::cache
