#include "cache/disk_format.h"

#include <catch2/catch.hpp>

#include "cache/disk_head.h"

namespace rpx::cache {
namespace {

// What a reader would make of a record: its head and body, when both are what was written.
bool is_whole(std::string_view bytes) {
  const auto header = read_record_header(bytes);
  if (!header || bytes.size() < header->size()) return false;
  const std::string_view head = bytes.substr(kRecordHeaderBytes, header->head_bytes);
  const std::string_view body = bytes.substr(kRecordHeaderBytes + header->head_bytes, header->body_bytes);
  return checksum(head) == header->head_sum && checksum(body) == header->body_sum;
}

DiskHead some_head() {
  DiskHead head;
  head.key = "httpexample.com/a";
  head.url = "http://example.com/a";
  head.host = "example.com";
  head.language = "en";
  head.status = 206;
  head.times = {WallTime(std::chrono::seconds(1000)), WallTime(std::chrono::seconds(1001))};
  head.terms.lifetime = std::chrono::seconds(-5);
  head.terms.initial_age = std::chrono::milliseconds(1);
  head.terms.stale_if_error = std::chrono::hours(1);
  head.terms.must_revalidate = true;
  head.terms.source = {"max-age of the reply", "RFC 9111 5.2.2.1"};
  head.terms.private_fields = {"x-mine"};
  head.vary = {{"accept", std::string("\0", 1)}, {"x-b", ""}};
  head.tags = {"a", "b"};
  head.groups = {"g"};
  head.is_piece = true;
  head.told = "bytes 0-4/10";
  head.place = ContentRange{0, 4, 10};
  head.fields = {{"ETag", "\"a\""}, {"X-Empty", ""}};
  return head;
}

std::string some_record(std::string_view body) {
  std::string out;
  RecordHeader header{.kind = RecordKind::kObject, .sequence = 7, .file = 3};
  append_record(out, header, pack(some_head()), body);
  return out.append(body);
}

}  // namespace

TEST_CASE("checksum: CRC-32C as RFC 3720 has it, in one go or in parts", "[cache][disk]") {
  CHECK(checksum("123456789") == 0xE3069283U);
  CHECK(checksum("6789", checksum("12345")) == checksum("123456789"));
  CHECK(checksum(std::string(32, '\0')) == 0x8A9136AAU);
  CHECK(checksum("") == 0);
}

TEST_CASE("disk record: reads back as it was written", "[cache][disk]") {
  const std::string bytes = some_record("hello");
  const auto header = read_record_header(bytes);
  REQUIRE(header);
  CHECK(header->size() == bytes.size());
  CHECK(header->sequence == 7);
  CHECK(header->file == 3);
  CHECK(header->body_bytes == 5);
  CHECK(is_whole(bytes));
}

TEST_CASE("disk record: cut at any byte, it is not whole", "[cache][disk]") {
  const std::string bytes = some_record("hello, world");
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    REQUIRE_FALSE(is_whole(std::string_view(bytes).substr(0, cut)));
    // What a crash leaves of pages that were not written.
    std::string zeroed = bytes;
    std::fill(zeroed.begin() + static_cast<std::ptrdiff_t>(cut), zeroed.end(), '\0');
    REQUIRE_FALSE(is_whole(zeroed));
  }
}

TEST_CASE("disk record: any flipped bit is told", "[cache][disk]") {
  std::string bytes = some_record("hello, world");
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    CAPTURE(bit);
    const char mask = static_cast<char>(1U << (bit % 8));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    REQUIRE_FALSE(is_whole(bytes));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
  }
  CHECK(is_whole(bytes));
}

TEST_CASE("disk file: its header tells what it is, and of which version", "[cache][disk]") {
  std::string bytes;
  append_file_header(bytes, {FileKind::kSegment, 42});
  REQUIRE(bytes.size() == kFileHeaderBytes);
  CHECK(read_file_header(bytes) == FileHeader{FileKind::kSegment, 42});
  CHECK(read_file_header("").error() == FileFault::kForeign);
  CHECK(read_file_header("#!/bin/sh\necho this is somebody else's").error() == FileFault::kForeign);
  for (std::size_t cut = 8; cut < bytes.size(); ++cut)
    CHECK(read_file_header(std::string_view(bytes).substr(0, cut)).error() == FileFault::kDamaged);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ static_cast<char>(1U << (bit % 8)));
    CHECK_FALSE(read_file_header(flipped));
  }
}

TEST_CASE("disk head: reads back as it was written", "[cache][disk]") {
  const DiskHead head = some_head();
  const auto read = unpack_head(pack(head));
  REQUIRE(read);
  CHECK(read->key == head.key);
  CHECK(read->url == head.url);
  CHECK(read->host == head.host);
  CHECK(read->language == head.language);
  CHECK(read->status == head.status);
  CHECK(read->times.asked == head.times.asked);
  CHECK(read->times.answered == head.times.answered);
  CHECK(read->terms.lifetime == head.terms.lifetime);
  CHECK(read->terms.initial_age == head.terms.initial_age);
  CHECK(read->terms.stale_if_error == head.terms.stale_if_error);
  CHECK(read->terms.must_revalidate);
  CHECK_FALSE(read->terms.no_cache);
  CHECK(read->terms.source.says == head.terms.source.says);
  CHECK(read->terms.source.section == head.terms.source.section);
  CHECK(read->terms.private_fields == head.terms.private_fields);
  CHECK(read->vary == head.vary);
  CHECK(read->tags == head.tags);
  CHECK(read->groups == head.groups);
  CHECK(read->is_piece);
  CHECK(read->told == head.told);
  REQUIRE(read->place);
  CHECK(read->place->last == 4);
  CHECK(read->fields == head.fields);
}

TEST_CASE("disk head: cut short, it is refused or says less, but never reads past its end", "[cache][disk]") {
  const std::string bytes = pack(some_head());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    const auto read = unpack_head(std::string_view(bytes).substr(0, cut));
    if (read) CHECK(pack(*read).size() <= bytes.size());
  }
  CHECK_FALSE(unpack_head(""));
  CHECK_FALSE(unpack_head(std::string_view("\x01\xff\xff\xff\xff", 5)));
}

TEST_CASE("disk purge: reads back as it was written, and what is not understood is no purge of everything",
          "[cache][disk]") {
  DiskPurge purge;
  purge.filter.tag = "product-7";
  purge.soft = true;
  const auto read = unpack_purge(pack(purge));
  REQUIRE(read);
  CHECK(read->filter == purge.filter);
  CHECK(read->soft);
  CHECK(unpack_purge(pack(DiskPurge{}))->filter == Filter{});
  CHECK_FALSE(unpack_purge(""));
  CHECK_FALSE(unpack_purge(pack(purge) + std::string("\x70\x01\x00\x00\x00z", 6)));
}

}  // namespace rpx::cache
