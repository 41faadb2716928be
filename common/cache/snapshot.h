// Snapshots: stored objects as one stream of bytes, for another cache. The records are those of the disk store (see
// disk_format.h): a file header, an object after the other, and a kEnd that says how many there were, so that one that
// was cut short shows. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cache/disk_format.h"
#include "cache/disk_head.h"
#include "cache/entry.h"

namespace rpx::cache {

/// What a snapshot begins with; `number` is up to whoever makes it, such as the time in seconds since 1970.
std::string snapshot_begin(std::uint64_t number);
/// An object as a record.
std::string snapshot_object(const DiskHead& head, std::string_view body);
std::string snapshot_object(const Entry& entry);
/// The last record. In parts of a snapshot `count` is where the next part begins, and 0 in the last one.
std::string snapshot_end(std::uint64_t count);

/// Reads records from bytes that come in pieces.
class SnapshotReader {
 public:
  /// `has_header`: the bytes begin with what snapshot_begin() gives.
  explicit SnapshotReader(bool has_header) noexcept : in_header_(has_header) {}

  struct Object {
    DiskHead head;
    std::string body;
    std::string record;  ///< all of it
  };
  void feed(std::string_view bytes) { pending_.append(bytes); }
  /// The next object; none when more bytes are needed, or after the last. Errors: kBadResponse: it is no snapshot, of
  /// another version (kUsage), or damaged.
  Result<std::optional<Object>> next();
  bool ended() const noexcept { return ended_; }
  /// Of the kEnd.
  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t read() const noexcept { return read_; }

 private:
  std::string pending_;
  bool in_header_;
  bool ended_ = false;
  std::uint64_t count_ = 0;
  std::uint64_t read_ = 0;
};

}  // namespace rpx::cache
