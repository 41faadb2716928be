// What is in a folder of a disk store, found out record by record: for the store that opens it, and for tools that look
// at it from outside, whether a proxy uses it or not. Any thread; one at a time for an index.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cache/disk_format.h"
#include "cache/disk_index.h"
#include "cache/disk_purges.h"

namespace rpx::cache {

/// Has `index` know of a record, as it knew when that was written. Records come in the order of their sequence numbers.
void replay(DiskIndex& index, const PurgeTable& purges, const SegmentPtr& segment, const RecordHeader& header,
            std::uint64_t at, std::string_view head);

/// Reads what is at `place`. Errors: kIo; kBadResponse: it is not what was written there.
Result<std::string> read_place(const DiskPlace& place);

/// What is wrong with a file of a store.
struct DiskFault {
  std::string file;  ///< name in the folder
  std::string url;   ///< of the object it is about; empty: about the file
  std::string what;
};

/// A folder, looked at.
struct DiskSurvey {
  bool locked = false;         ///< a process uses it
  bool other_version = false;  ///< it has files of another version, which say nothing to this one
  std::uint64_t segments = 0;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;           ///< of the segments
  std::uint64_t unused = 0;          ///< of those, what a crash left behind records, to be written over
  std::vector<std::string> foreign;  ///< files that are no part of a store
  std::vector<DiskFault> faults;
};

/// Looks at the folder `path` without changing it, and has `index` know what is there. With `bodies` every object is
/// read, and its checksums compared. Errors: kNotFound where there is no folder; kIo.
Result<DiskSurvey> survey(const std::string& path, DiskIndex& index, bool bodies);

}  // namespace rpx::cache
