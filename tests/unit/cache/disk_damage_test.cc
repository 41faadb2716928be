#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "cache/disk_format.h"
#include "unit/cache/disk_folder.h"

namespace rpx::cache {

using namespace disk_test;

TEST_CASE("disk store: a flipped bit is a miss, wherever it is", "[cache][disk]") {
  const Folder folder;
  constexpr int kKeys = 8;
  {
    const auto store = open(folder);
    for (int i = 0; i < kKeys; ++i) store->put(entry("k" + std::to_string(i)));
  }
  const fs::path file = folder.segments().at(0);
  const std::uint64_t size = fs::file_size(file);
  const fs::path copy = folder.store() + ".copy";
  fs::copy(folder.store(), copy);
  for (std::uint64_t at = 0; at < size; at += 13) {
    CAPTURE(at);
    flip_bit(folder.segments().at(0), at);
    {
      const auto store = open(folder);
      REQUIRE(store->is_open());
      REQUIRE(count_right(*store, kKeys, 100) < kKeys);
      // What is damaged is found out once.
      REQUIRE(store->objects() < kKeys);
    }
    fs::remove_all(folder.store());
    fs::copy(copy, folder.store());
  }
  fs::remove_all(copy);
}

TEST_CASE("disk store: cut anywhere, what was whole before is there, and more can be written", "[cache][disk]") {
  const Folder folder;
  constexpr int kKeys = 3;
  {
    const auto store = open(folder);
    for (int i = 0; i < kKeys; ++i) store->put(entry("k" + std::to_string(i), {.bytes = 50}));
  }
  const std::uint64_t size = fs::file_size(folder.segments().at(0));
  for (std::uint64_t left = size; left-- > 0;) {
    CAPTURE(left);
    fs::resize_file(folder.segments().at(0), left);
    const std::uint64_t objects = [&] {
      const auto store = open(folder);
      REQUIRE(store->is_open());
      REQUIRE(count_right(*store, kKeys, 50) == store->objects());
      return store->objects();
    }();
    if (objects == 0) {
      CHECK(left < size);
      break;
    }
    // Closed without a change, it is opened the same.
    left = std::min(left, fs::file_size(folder.segments().at(0)));
  }
  const auto store = open(folder);
  store->put(entry("k0", {.bytes = 50}));
  store->flush();
  CHECK(get(*store, "k0"));
}

TEST_CASE("disk store: when its purges are lost, nothing is used of what they may have been about", "[cache][disk]") {
  const Folder folder;
  const auto fill = [&] {
    const auto store = open(folder);
    store->put(entry("a"));
    store->put(entry("b"));
    store->flush();
    store->purge({.url = "http://example.com/a"}, false, false, {});
    store->purge({.url = "http://example.com/none"}, false, false, {});
  };
  fill();
  flip_bit(folder.store() + "/purges", kFileHeaderBytes + kRecordHeaderBytes + 3);
  CHECK(open(folder)->objects() == 0);
  fill();
  fs::remove(folder.store() + "/purges");
  CHECK(open(folder)->objects() == 0);
  fill();
  CHECK(open(folder)->objects() == 1);
}

TEST_CASE("disk store: files of another version, and of others", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder);
    store->put(entry("a"));
  }
  {
    std::fstream io(folder.segments().at(0), std::ios::binary | std::ios::in | std::ios::out);
    std::string header(kFileHeaderBytes, '\0');
    io.read(header.data(), static_cast<std::streamsize>(header.size()));
    header[8] = 99;
    const std::uint32_t sum = checksum(header.substr(0, 24));
    for (std::size_t i = 0; i < 4; ++i) header[24 + i] = static_cast<char>((sum >> (8 * i)) & 0xFFU);
    io.seekp(0);
    io.write(header.data(), static_cast<std::streamsize>(header.size()));
  }
  std::ofstream(folder.store() + "/README") << "not ours";
  const auto store = open(folder);
  CHECK(store->is_open());
  CHECK(store->objects() == 0);
  CHECK(fs::exists(folder.store() + "/README"));
  CHECK(folder.segments().empty());
}

TEST_CASE("disk store: a full disk stops it from storing, and nothing else", "[cache][disk]") {
  const Folder folder;
  const auto store = open(folder, Size{64} << 20U);
  store->put(entry("a", {.bytes = 1000}));
  store->flush();
  // Files may not grow: what a full disk answers, but for its number.
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit little{5000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &little) == 0);
  store->put(entry("b", {.bytes = 100000}));
  store->flush();
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(get(*store, "a"));
  CHECK_FALSE(get(*store, "b"));
  CHECK(store->complaint().find("write: ") == 0);
  CHECK(store->counters().errors == 1);
  CHECK(store->counters().skipped == 1);
  CHECK(bytes_in(folder) == store->bytes());
  // Purges go on meanwhile.
  store->purge({.url = "http://example.com/a"}, false, false, {});
  CHECK_FALSE(get(*store, "a"));
}

TEST_CASE("disk store: a purge that cannot be written down takes everything", "[cache][disk]") {
  const Folder folder;
  {
    const auto store = open(folder);
    store->put(entry("a"));
    store->put(entry("b"));
    store->flush();
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    const rlimit little{kFileHeaderBytes, before.rlim_max};
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &little) == 0);
    store->purge({.url = "http://example.com/a"}, false, false, {});
    REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, handler);
    CHECK(store->objects() == 0);
  }
  CHECK(open(folder)->objects() == 0);
}

TEST_CASE("disk store: its folder may vanish while it runs", "[cache][disk]") {
  const Folder folder;
  const auto store = open(folder);
  store->put(entry("a"));
  store->flush();
  fs::remove_all(folder.store());
  CHECK(get(*store, "a"));
  for (int i = 0; i < 10; ++i) store->put(entry("k" + std::to_string(i), {.bytes = 60000}));
  store->flush();
  CHECK_FALSE(store->complaint().empty());
  store->purge({}, false, false, {});
  CHECK(store->objects() == 0);
}

}  // namespace rpx::cache
