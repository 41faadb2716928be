// Large bodies that stay on the disk and are read piece by piece.
#include "cache/disk_body.h"

#include <catch2/catch.hpp>

#include "unit/cache/disk_folder.h"

namespace rpx::cache {

using namespace disk_test;

namespace {

constexpr Size kRoom = Size{64} << 20U;
constexpr std::size_t kBytes = kLeastInPieces + kDiskPiece / 2;

EntryPtr head_of(DiskStore& store, const std::string& key) {
  const auto found = store.find(key, {});
  return found.empty() ? nullptr : store.read_head(found.front());
}

std::string whole(const DiskBody& body) {
  std::string out;
  for (std::uint64_t i = 0; i < body.pieces(); ++i) {
    const auto piece = read_piece(body, i);
    REQUIRE(piece);
    out += *piece;
  }
  return out;
}

}  // namespace

TEST_CASE("disk body: it is the same in pieces, after it is opened again, too", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder, kRoom);
    store->put(entry("a", {.bytes = kBytes}));
    store->put(entry("small"));
  }
  const auto store = open(folder, kRoom);
  CHECK_FALSE(head_of(*store, "small"));
  const EntryPtr a = head_of(*store, "a");
  REQUIRE(a);
  REQUIRE(a->on_disk());
  CHECK(a->body().empty());
  CHECK(a->body_bytes() == kBytes);
  CHECK(a->validators().etag == "\"a\"");
  CHECK(a->on_disk()->pieces() == 5);
  CHECK(whole(*a->on_disk()) == body_of("a", kBytes));
  // In one go it is, besides.
  CHECK(get(*store, "a")->body() == body_of("a", kBytes));
}

TEST_CASE("disk body: a damaged piece is no piece, and the others are", "[cache][disk]") {
  const Folder folder;
  const auto store = open(folder, kRoom);
  store->put(entry("a", {.bytes = kBytes}));
  store->flush();
  const EntryPtr a = head_of(*store, "a");
  REQUIRE(a);
  const DiskBody& body = *a->on_disk();
  flip_bit(folder.segments().back(), body.place.at + 2 * kDiskPiece + 7);
  CHECK(read_piece(body, 1));
  CHECK(read_piece(body, 4));
  const auto damaged = read_piece(body, 2);
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().kind == ErrorKind::kBadResponse);
  store->give_up(body, damaged.error());
  CHECK(store->find("a", {}).empty());
  CHECK(store->counters().damaged == 1);
}

TEST_CASE("disk body: another head is written without its body", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder, kRoom);
    store->put(entry("a", {.bytes = kBytes}));
    store->flush();
    const EntryPtr before = head_of(*store, "a");
    NewEntry made;
    made.key = before->key();
    made.url = before->url();
    made.host = before->host();
    made.times = before->times();
    made.terms = before->terms();
    made.on_disk = before->on_disk();
    const std::uint64_t bytes = store->bytes();
    store->put(Entry::make(std::move(made), fields("ETag: \"later\""), ""));
    store->flush();
    CHECK(store->bytes() < bytes + 2000);
    CHECK(store->objects() == 1);
  }
  const auto store = open(folder, kRoom);
  const EntryPtr a = head_of(*store, "a");
  REQUIRE(a);
  CHECK(a->validators().etag == "\"later\"");
  CHECK(whole(*a->on_disk()) == body_of("a", kBytes));
}

TEST_CASE("disk body: one that is being sent can be read to its end when its file goes", "[cache][disk]") {
  const Folder folder;
  const auto store = open(folder, Size{4} << 20U);
  store->put(entry("a", {.bytes = kBytes}));
  store->flush();
  const EntryPtr a = head_of(*store, "a");
  for (int i = 0; i < 8; ++i) store->put(entry("k" + std::to_string(i), {.bytes = kBytes}));
  store->flush();
  CHECK(store->find("a", {}).empty());
  CHECK(whole(*a->on_disk()) == body_of("a", kBytes));
}

}  // namespace rpx::cache
