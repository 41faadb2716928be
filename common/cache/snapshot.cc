#include "cache/snapshot.h"

#include "cache/disk_entry.h"

namespace rpx::cache {

std::string snapshot_begin(std::uint64_t number) {
  std::string out;
  append_file_header(out, {FileKind::kSnapshot, number});
  return out;
}

std::string snapshot_object(const DiskHead& head, std::string_view body) {
  std::string out;
  RecordHeader header{.kind = RecordKind::kObject};
  append_record(out, header, pack(head), body);
  return out.append(body);
}

std::string snapshot_object(const Entry& entry) { return snapshot_object(head_of(entry), entry.body()); }

std::string snapshot_end(std::uint64_t count) {
  std::string out;
  RecordHeader header{.kind = RecordKind::kEnd, .reference = count};
  append_record(out, header, {}, {});
  return out;
}

Result<std::optional<SnapshotReader::Object>> SnapshotReader::next() {
  if (in_header_) {
    if (pending_.size() < kFileHeaderBytes) return std::nullopt;
    const auto file = read_file_header(pending_);
    if (!file && file.error() == FileFault::kVersion)
      return self_error(ErrorKind::kUsage, "it is a snapshot of another version");
    if (!file || file->kind != FileKind::kSnapshot) return self_error(ErrorKind::kBadResponse, "it is no snapshot");
    pending_.erase(0, kFileHeaderBytes);
    in_header_ = false;
  }
  if (ended_ && !pending_.empty()) return self_error(ErrorKind::kBadResponse, "something follows its end");
  if (ended_ || pending_.size() < kRecordHeaderBytes) return std::nullopt;
  const auto header = read_record_header(pending_);
  const bool known = header && (header->kind == RecordKind::kObject || header->kind == RecordKind::kEnd);
  if (!known) return self_error(ErrorKind::kBadResponse, "it is damaged");
  if (pending_.size() < header->size()) return std::nullopt;
  if (header->kind == RecordKind::kEnd) {
    ended_ = true;
    count_ = header->reference;
    pending_.erase(0, header->size());
    return std::nullopt;
  }
  Object out;
  out.record = pending_.substr(0, header->size());
  pending_.erase(0, header->size());
  const std::string_view head = std::string_view(out.record).substr(kRecordHeaderBytes, header->head_bytes);
  out.body = out.record.substr(kRecordHeaderBytes + header->head_bytes);
  auto unpacked =
      checksum(head) == header->head_sum && checksum(out.body) == header->body_sum ? unpack_head(head) : std::nullopt;
  if (!unpacked) return self_error(ErrorKind::kBadResponse, "it is damaged");
  out.head = std::move(*unpacked);
  ++read_;
  return out;
}

}  // namespace rpx::cache
