// Records of the disk store: the header at the front of the input, and the input itself as the head of an object, as a
// purge, and as the head of a coded form. What is read is written again and read the same.
#include "cache/disk_format.h"
#include "cache/disk_head.h"
#include "fuzz.h"

using namespace rpx;
using namespace rpx::cache;

namespace {

void check_record(std::string_view bytes) {
  const auto header = read_record_header(bytes);
  if (!header) return;
  RPX_CHECK(header->head_bytes <= kMostHeadBytes);
  RPX_CHECK(header->size() >= kRecordHeaderBytes + header->body_bytes);
  if (header->size() > bytes.size()) return;
  const std::string_view head = bytes.substr(kRecordHeaderBytes, header->head_bytes);
  const std::string_view body = bytes.substr(kRecordHeaderBytes + header->head_bytes, header->body_bytes);
  if (checksum(head) != header->head_sum || checksum(body) != header->body_sum) return;
  std::string again;
  RecordHeader copy = *header;
  append_record(again, copy, head, body);
  RPX_CHECK(copy == *header);
  RPX_CHECK(read_record_header(again) == *header);
}

void check_head(std::string_view bytes) {
  const auto head = unpack_head(bytes);
  if (!head) return;
  const std::string packed = pack(*head);
  const auto again = unpack_head(packed);
  RPX_CHECK(again && pack(*again) == packed);
}

void check_purge(std::string_view bytes) {
  const auto purge = unpack_purge(bytes);
  if (!purge) return;
  const auto again = unpack_purge(pack(*purge));
  RPX_CHECK(again && again->key == purge->key && again->filter == purge->filter && again->soft == purge->soft);
}

void check_form(std::string_view bytes) {
  const auto form = unpack_form(bytes);
  if (!form) return;
  const auto again = unpack_form(pack(*form));
  RPX_CHECK(again && again->key == form->key && again->coding == form->coding);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  static_cast<void>(read_file_header(bytes));
  check_record(bytes);
  check_head(bytes);
  check_purge(bytes);
  check_form(bytes);
  const auto header = read_record_header(bytes);
  if (header) check_head(bytes.substr(kRecordHeaderBytes));
  return 0;
}
