// Coded forms on the disk, beside the bodies that they are of.
#include <catch2/catch.hpp>

#include "cache/disk_replay.h"
#include "unit/cache/disk_folder.h"

namespace rpx::cache {

using namespace disk_test;
using http::Coding;

namespace {

std::shared_ptr<const std::string> coded(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

// The form that comes with an object; empty when there is none.
std::string form_in(DiskStore& store, const std::string& key, Coding coding) {
  const EntryPtr got = get(store, key);
  REQUIRE(got);
  const CodedForm form = got->forms() ? got->forms()->find(coding) : CodedForm{};
  return form.body ? *form.body : std::string();
}

}  // namespace

TEST_CASE("disk store: coded forms are there after it is opened again", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder);
    store->put(entry("a"));
    store->put_form(entry("a"), Coding::kGzip, coded("as gzip"));
    store->put_form(entry("a"), Coding::kZstd, coded("as zstd"));
    store->put_form(entry("a"), Coding::kBr, nullptr);
    store->flush();
    CHECK(form_in(*store, "a", Coding::kGzip) == "as gzip");
  }
  const auto store = open(folder);
  CHECK(store->objects() == 1);
  const EntryPtr a = get(*store, "a");
  REQUIRE(a);
  CHECK(a->body() == body_of("a", 100));
  REQUIRE(a->forms());
  CHECK(*a->forms()->find(Coding::kGzip).body == "as gzip");
  CHECK(*a->forms()->find(Coding::kZstd).body == "as zstd");
  CHECK(a->forms()->find(Coding::kGzip).final);
  CHECK(a->forms()->find(Coding::kBr).useless);
  CHECK(a->bytes() > entry("a")->bytes());
}

TEST_CASE("disk store: a form is of the body that it was made from", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder);
    store->put(entry("a", {.body = "first"}));
    store->put_form(entry("a", {.body = "first"}), Coding::kGzip, coded("of first"));
    // Another head for the same body: as a 304 makes it.
    store->put(entry("a", {.reply = "ETag: \"b\"", .body = "first"}));
    store->flush();
    CHECK(form_in(*store, "a", Coding::kGzip) == "of first");
  }
  {
    const auto store = open(folder);
    CHECK(form_in(*store, "a", Coding::kGzip) == "of first");
    store->put(entry("a", {.body = "other"}));
    // Late: what it is of is not there any more.
    store->put_form(entry("a", {.body = "first"}), Coding::kGzip, coded("of first"));
    store->put_form(entry("b"), Coding::kGzip, coded("of nothing"));
    store->flush();
    CHECK(form_in(*store, "a", Coding::kGzip).empty());
  }
  const auto store = open(folder);
  CHECK(store->objects() == 1);
  CHECK(form_in(*store, "a", Coding::kGzip).empty());
}

TEST_CASE("disk store: forms go with their object, and stay with one that is wanted", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder);
    for (const char* key : {"a", "b"}) {
      store->put(entry(key, {.bytes = 5000}));
      store->put_form(entry(key, {.bytes = 5000}), Coding::kGzip, coded(std::string("form of ") + key));
    }
    store->flush();
    CHECK(store->forget("b"));
    // Rounds of the log, in which what is asked for is written again.
    for (int i = 0; i < 400; ++i) {
      store->put(entry("k" + std::to_string(i), {.bytes = 10000}));
      if (i % 10 != 0) continue;
      store->flush();
      REQUIRE(form_in(*store, "a", Coding::kGzip) == "form of a");
    }
    CHECK(bytes_in(folder) <= kSize);
  }
  const auto store = open(folder);
  CHECK_FALSE(get(*store, "b"));
  CHECK(form_in(*store, "a", Coding::kGzip) == "form of a");
}

TEST_CASE("disk store: a damaged form is not used, and harms nothing else", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder);
    store->put(entry("a"));
    store->put_form(entry("a"), Coding::kGzip, coded(std::string(50, 'z')));
  }
  const auto file = folder.segments().back();
  flip_bit(file, fs::file_size(file) - 10);
  {
    DiskIndex index;
    const auto seen = survey(folder.store(), index, true);
    REQUIRE(seen);
    REQUIRE(seen->faults.size() == 1);
    CHECK(seen->faults.front().url == "http://example.com/a");
  }
  const auto store = open(folder);
  CHECK(form_in(*store, "a", Coding::kGzip).empty());
  // It may be made again.
  store->put_form(entry("a"), Coding::kGzip, coded("again"));
  store->flush();
  CHECK(form_in(*store, "a", Coding::kGzip) == "again");
}

}  // namespace rpx::cache
