// Disk stores in folders of tests, and objects whose bodies follow from their keys. One thread.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cache/disk_store.h"
#include "cache/key.h"
#include "support/temp_folder.h"
#include "unit/cache/fields.h"

namespace rpx::cache::disk_test {

namespace fs = std::filesystem;

// A folder that goes with the test.
struct Folder {
  std::string store() const { return temp.file("store"); }
  std::vector<fs::path> segments() const {
    std::vector<fs::path> out;
    for (const auto& one : fs::directory_iterator(store()))
      if (one.path().extension() == ".segment") out.push_back(one.path());
    std::ranges::sort(out);
    return out;
  }
  test::TempFolder temp;
};

inline constexpr Size kSize = Size{1} << 20U;

inline std::unique_ptr<DiskStore> open(const Folder& folder, Size size = kSize, DiskLog::IsHot is_hot = {}) {
  auto store =
      std::make_unique<DiskStore>("static", DiskOptions{folder.store(), size}, "Surrogate-Key", std::move(is_hot));
  store->wait_open(std::chrono::seconds(60));
  return store;
}

// Bodies follow from what they are of, so that each can be told wrong.
inline std::string body_of(std::string_view key, std::size_t bytes) {
  std::mt19937_64 numbers(key_hash(key));
  std::string out;
  while (out.size() < bytes) out += std::to_string(numbers());
  out.resize(bytes);
  return out;
}

struct Made {
  std::size_t bytes = 100;
  std::string reply = "Content-Type: text/plain|ETag: \"a\"|Surrogate-Key: one two";
  std::string request = {};
  std::string body = {};
};

inline EntryPtr entry(const std::string& key, const Made& how = {}) {
  NewEntry made;
  made.key = key;
  made.url = "http://example.com/" + key;
  made.host = "example.com";
  made.times = {WallTime(std::chrono::seconds(1000)), WallTime(std::chrono::seconds(1001))};
  made.terms.lifetime = std::chrono::hours(1);
  made.terms.source = {"max-age of the reply", "RFC 9111 5.2.2.1"};
  made.body = std::make_shared<const std::string>(how.body.empty() ? body_of(key, how.bytes) : how.body);
  made.vary = vary_of(fields(how.reply), fields(how.request));
  return Entry::make(std::move(made), fields(how.reply), "Surrogate-Key");
}

// What a request gets: null, or an object whose body has been looked at.
inline EntryPtr get(DiskStore& store, const std::string& key, const std::string& request = "") {
  const auto found = store.find(key, fields(request));
  if (found.empty()) return nullptr;
  return store.read(found.front());
}

inline std::size_t count_right(DiskStore& store, int keys, std::size_t bytes) {
  std::size_t out = 0;
  for (int i = 0; i < keys; ++i) {
    const std::string key = "k" + std::to_string(i);
    const EntryPtr got = get(store, key);
    if (!got) continue;
    CHECK(got->body() == body_of(key, bytes));
    ++out;
  }
  return out;
}

inline std::uint64_t bytes_in(const Folder& folder) {
  std::uint64_t sum = 0;
  for (const auto& one : fs::directory_iterator(folder.store())) {
    // The store's own thread may just be deleting it.
    std::error_code gone;
    const std::uint64_t size = one.file_size(gone);
    if (!gone) sum += size;
  }
  return sum;
}

inline void flip_bit(const fs::path& file, std::uint64_t at) {
  std::fstream io(file, std::ios::binary | std::ios::in | std::ios::out);
  io.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(io.get());
  io.seekp(static_cast<std::streamoff>(at));
  io.put(static_cast<char>(byte ^ 0x10));
}

}  // namespace rpx::cache::disk_test
