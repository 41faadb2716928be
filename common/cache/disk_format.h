// How the disk store and snapshots write: files that begin with a header, then records, each with a header, a head
// (what is known of the object) and a body. Every number is little-endian. What is not whole is told by its checksums
// (CRC-32C), so that whatever a crash or a bad disk leaves behind is never taken for what was written. Pure, any
// thread.
//
//   file    magic 8 · version 4 · kind 4 · number 8 · sum of these 4 · 0 4                          32 bytes
//   record  magic 4 · sum of the rest 4 · kind 4 · head bytes 4 · body bytes 8 · sequence 8 ·
//           file number 8 · head sum 4 · body sum 4 · reference 8 · 0 8                             64 bytes
//           head · body
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace rpx::cache {

/// Grows with every change that an older reader would misread.
inline constexpr std::uint32_t kDiskVersion = 1;
inline constexpr std::size_t kFileHeaderBytes = 32;
inline constexpr std::size_t kRecordHeaderBytes = 64;
/// No head is longer: what says so is damaged.
inline constexpr std::uint32_t kMostHeadBytes = 1U << 20U;
/// Bytes of the pieces of large bodies that have checksums of their own.
inline constexpr std::size_t kDiskPiece = std::size_t{256} << 10U;

/// CRC-32C (RFC 3720 appendix B.4) of `bytes`, or of what `before` is the sum of and `bytes` together.
std::uint32_t checksum(std::string_view bytes, std::uint32_t before = 0) noexcept;

enum class FileKind : std::uint32_t {
  kSegment = 1,  ///< objects of a disk store, in the order in which they came
  kPurges,       ///< its purges
  kSnapshot      ///< objects for another cache; ends with a kEnd
};

struct FileHeader {
  FileKind kind = FileKind::kSegment;
  std::uint64_t number = 0;  ///< of the segment; its records repeat it
  bool operator==(const FileHeader&) const = default;
};

/// Why a file is not read.
enum class FileFault : std::uint8_t {
  kForeign,  ///< not written by this
  kVersion,  ///< by another version
  kDamaged
};

void append_file_header(std::string& out, const FileHeader& header);
std::expected<FileHeader, FileFault> read_file_header(std::string_view bytes) noexcept;

enum class RecordKind : std::uint32_t {
  kObject = 1,
  kRenewal,  ///< another head for the body of the record that `reference` names
  kPurge,
  kEnd,  ///< of a snapshot: `reference` is the number of objects before it
  kForm  ///< a coded form of the body of the record that `reference` names; empty where that would be no shorter
};

struct RecordHeader {
  RecordKind kind = RecordKind::kObject;
  std::uint32_t head_bytes = 0;
  std::uint64_t body_bytes = 0;
  std::uint64_t sequence = 0;  ///< grows from record to record, over all files of a store
  std::uint64_t file = 0;      ///< the number of the file it belongs to
  std::uint32_t head_sum = 0;
  std::uint32_t body_sum = 0;
  std::uint64_t reference = 0;
  /// Bytes with the header.
  std::uint64_t size() const noexcept { return kRecordHeaderBytes + head_bytes + body_bytes; }
  bool operator==(const RecordHeader&) const = default;
};

/// `header` with its lengths and sums taken from `head` and `body`, and the head after it; the body is to follow.
void append_record(std::string& out, RecordHeader& header, std::string_view head, std::string_view body);
/// None when `bytes` does not begin with a whole header.
std::optional<RecordHeader> read_record_header(std::string_view bytes) noexcept;

}  // namespace rpx::cache
