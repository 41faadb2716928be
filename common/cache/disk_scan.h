// Reading a segment record by record, bodies left out. Pure but for the file; any thread.
#pragma once

#include <functional>
#include <string_view>

#include "cache/disk_files.h"
#include "cache/disk_format.h"

namespace rpx::cache {

struct Scanned {
  std::uint64_t end = 0;             ///< where the last whole record ends
  std::uint64_t first_sequence = 0;  ///< 0: there are no records
  std::uint64_t last_sequence = 0;
  bool whole = true;  ///< nothing follows that is no record
};
/// A record at `at` of the segment, with its head, whose checksum is right.
using TakeRecord = std::function<void(const RecordHeader& header, std::uint64_t at, std::string_view head)>;

/// Hands every record to `take`, in order, up to the first that is not whole: what is behind it is never looked at, as
/// it may be part of a body, which strangers write. Sequence numbers grow, from above `before` on.
/// Errors: kIo; kNotFound: it is no segment, or none of this version (the detail says which).
Result<Scanned> scan_segment(const DiskSegment& segment, std::uint64_t before, const TakeRecord& take);

}  // namespace rpx::cache
