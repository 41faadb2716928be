// Files of a disk store: whole reads and writes at a place, and segments, each of which holds records one after the
// other. Reads of one segment from any thread; writes from one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/fd.h"

namespace rpx::cache {

/// Errors: kIo; kNotFound where there is no such file.
Result<std::string> read_whole_file(int folder, const char* name);
/// Writes `first` and `second`, one after the other, all of them. Errors: kIo.
Status write_at(int fd, std::uint64_t at, std::string_view first, std::string_view second);
/// Reads `bytes` bytes. Errors: kIo, also where there are not so many.
Status read_at(int fd, std::uint64_t at, char* into, std::size_t bytes);

/// One file of records. Lives until nobody reads it any more, also when its name is gone.
class DiskSegment {
 public:
  DiskSegment(std::uint64_t number, net::UniqueFd fd, std::uint64_t bytes) noexcept
      : number_(number), fd_(std::move(fd)), bytes_(bytes) {}
  DiskSegment(const DiskSegment&) = delete;
  DiskSegment& operator=(const DiskSegment&) = delete;

  std::uint64_t number() const noexcept { return number_; }
  int fd() const noexcept { return fd_.get(); }
  /// The writer's thread alone: of the file, which are all in records.
  std::uint64_t bytes() const noexcept { return bytes_; }
  void set_bytes(std::uint64_t bytes) noexcept { bytes_ = bytes; }

 private:
  const std::uint64_t number_;
  const net::UniqueFd fd_;
  std::uint64_t bytes_;
};
using SegmentPtr = std::shared_ptr<DiskSegment>;

/// "000000000000002a.segment".
std::string segment_name(std::uint64_t number);
/// The numbers of the segments in `folder`, ascending; names of files that are no part of a store go to `foreign`.
/// Errors: kIo.
Result<std::vector<std::uint64_t>> segments_in(int folder, std::vector<std::string>& foreign);
/// Makes a new one, with its header. Errors: kIo.
Result<SegmentPtr> create_segment(int folder, std::uint64_t number);
/// Errors: kIo.
Result<SegmentPtr> open_segment(int folder, std::uint64_t number, bool to_write);

}  // namespace rpx::cache
