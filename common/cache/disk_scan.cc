#include "cache/disk_scan.h"

#include <algorithm>

#include "base/result.h"

namespace rpx::cache {
namespace {

// Read at once where bodies are small, and where they are skipped.
constexpr std::size_t kMuch = std::size_t{256} << 10U;
constexpr std::size_t kLittle = std::size_t{4} << 10U;

// A piece of the file that moves along.
class Window {
 public:
  explicit Window(const DiskSegment& segment) noexcept : segment_(segment) {}

  // `bytes` bytes at `at`, which are there in the file.
  Result<std::string_view> get(std::uint64_t at, std::size_t bytes) {
    if (at < start_ || at + bytes > start_ + text_.size()) {
      // Whoever jumps does so over bodies.
      const bool jumps = at > start_ + text_.size() + kLittle;
      const std::size_t most = std::max(bytes, jumps ? kLittle : kMuch);
      text_.resize(std::min<std::uint64_t>(most, segment_.bytes() - at));
      start_ = at;
      if (Status got = read_at(segment_.fd(), at, text_.data(), text_.size()); !got) {
        text_.clear();
        return std::unexpected(got.error());
      }
    }
    return std::string_view(text_).substr(at - start_, bytes);
  }

 private:
  const DiskSegment& segment_;
  std::string text_;
  std::uint64_t start_ = 0;
};

}  // namespace

Result<Scanned> scan_segment(const DiskSegment& segment, std::uint64_t before, const TakeRecord& take) {
  Window window(segment);
  RPX_TRY(const std::string_view start, window.get(0, std::min<std::uint64_t>(kFileHeaderBytes, segment.bytes())));
  const auto file = read_file_header(start);
  if (!file || file->kind != FileKind::kSegment || file->number != segment.number())
    return self_error(ErrorKind::kNotFound, !file && file.error() == FileFault::kVersion ? "written by another version"
                                                                                         : "its header is damaged");
  Scanned out{.end = kFileHeaderBytes, .last_sequence = before};
  while (out.end < segment.bytes()) {
    out.whole = false;
    if (segment.bytes() - out.end < kRecordHeaderBytes) break;
    RPX_TRY(const std::string_view bytes, window.get(out.end, kRecordHeaderBytes));
    const auto header = read_record_header(bytes);
    const bool fits = header && header->file == segment.number() && header->sequence > out.last_sequence &&
                      (header->kind == RecordKind::kObject || header->kind == RecordKind::kRenewal ||
                       header->kind == RecordKind::kForm) &&
                      header->size() <= segment.bytes() - out.end;
    if (!fits) break;
    RPX_TRY(const std::string_view head, window.get(out.end + kRecordHeaderBytes, header->head_bytes));
    if (checksum(head) != header->head_sum) break;
    take(*header, out.end, head);
    if (out.first_sequence == 0) out.first_sequence = header->sequence;
    out.last_sequence = header->sequence;
    out.end += header->size();
    out.whole = true;
  }
  return out;
}

}  // namespace rpx::cache
