#include "cache/disk_format.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <climits>

namespace rpx::cache {
namespace {

constexpr std::string_view kFileMagic = "RPXCACHE";
constexpr std::uint32_t kRecordMagic = 0x52585052;  // "RPXR"

template <class Number>
void append_number(std::string& out, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) out += static_cast<char>((number >> (8 * i)) & 0xFFU);
}

// Numbers one after the other; there are enough bytes.
class Numbers {
 public:
  explicit Numbers(std::string_view bytes) noexcept : rest_(bytes) {}
  template <class Number>
  Number next() noexcept {
    Number out = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i)
      out |= static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(rest_[i])) << (8 * i));
    rest_.remove_prefix(sizeof(Number));
    return out;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::uint32_t checksum(std::string_view bytes, std::uint32_t before) noexcept {
  std::uint32_t sum = ~before;
  while (!bytes.empty()) {
    const std::size_t part = std::min<std::size_t>(bytes.size(), INT_MAX);
    // The library's signature lacks a const.
    auto* from = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    sum = crc32_iscsi(from, static_cast<int>(part), sum);
    bytes.remove_prefix(part);
  }
  return ~sum;
}

void append_file_header(std::string& out, const FileHeader& header) {
  std::string text(kFileMagic);
  append_number(text, kDiskVersion);
  append_number(text, static_cast<std::uint32_t>(header.kind));
  append_number(text, header.number);
  append_number(text, checksum(text));
  append_number(text, std::uint32_t{0});
  out += text;
}

std::expected<FileHeader, FileFault> read_file_header(std::string_view bytes) noexcept {
  if (!bytes.starts_with(kFileMagic)) return std::unexpected(FileFault::kForeign);
  if (bytes.size() < kFileHeaderBytes) return std::unexpected(FileFault::kDamaged);
  Numbers numbers(bytes.substr(kFileMagic.size()));
  const auto version = numbers.next<std::uint32_t>();
  const auto kind = numbers.next<std::uint32_t>();
  const auto number = numbers.next<std::uint64_t>();
  const auto sum = numbers.next<std::uint32_t>();
  if (sum != checksum(bytes.substr(0, kFileHeaderBytes - 8))) return std::unexpected(FileFault::kDamaged);
  if (version != kDiskVersion) return std::unexpected(FileFault::kVersion);
  if (kind < 1 || kind > static_cast<std::uint32_t>(FileKind::kSnapshot)) return std::unexpected(FileFault::kDamaged);
  if (numbers.next<std::uint32_t>() != 0) return std::unexpected(FileFault::kDamaged);
  return FileHeader{static_cast<FileKind>(kind), number};
}

void append_record(std::string& out, RecordHeader& header, std::string_view head, std::string_view body) {
  header.head_bytes = static_cast<std::uint32_t>(head.size());
  header.body_bytes = body.size();
  header.head_sum = checksum(head);
  header.body_sum = checksum(body);
  std::string rest;
  append_number(rest, static_cast<std::uint32_t>(header.kind));
  append_number(rest, header.head_bytes);
  append_number(rest, header.body_bytes);
  append_number(rest, header.sequence);
  append_number(rest, header.file);
  append_number(rest, header.head_sum);
  append_number(rest, header.body_sum);
  append_number(rest, header.reference);
  append_number(rest, std::uint64_t{0});
  append_number(out, kRecordMagic);
  append_number(out, checksum(rest));
  out += rest;
  out += head;
}

std::optional<RecordHeader> read_record_header(std::string_view bytes) noexcept {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  Numbers numbers(bytes);
  if (numbers.next<std::uint32_t>() != kRecordMagic) return std::nullopt;
  if (numbers.next<std::uint32_t>() != checksum(bytes.substr(8, kRecordHeaderBytes - 8))) return std::nullopt;
  RecordHeader out;
  const auto kind = numbers.next<std::uint32_t>();
  if (kind < 1 || kind > static_cast<std::uint32_t>(RecordKind::kForm)) return std::nullopt;
  out.kind = static_cast<RecordKind>(kind);
  out.head_bytes = numbers.next<std::uint32_t>();
  out.body_bytes = numbers.next<std::uint64_t>();
  out.sequence = numbers.next<std::uint64_t>();
  out.file = numbers.next<std::uint64_t>();
  out.head_sum = numbers.next<std::uint32_t>();
  out.body_sum = numbers.next<std::uint32_t>();
  out.reference = numbers.next<std::uint64_t>();
  // Sums of sizes must not wrap around.
  if (out.head_bytes > kMostHeadBytes || out.body_bytes >> 48U) return std::nullopt;
  return out;
}

}  // namespace rpx::cache
