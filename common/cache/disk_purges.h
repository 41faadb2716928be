// What has been purged from a disk store, in a file of its own: each purge with the sequence number it was made at,
// which covers every record before it. Read when a store is opened, so that nothing purged comes back; written before a
// purge is answered. The file is the writer's thread's; the table is pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cache/disk_head.h"
#include "net/fd.h"

namespace rpx::cache {

/// For each purge the latest time it was made, to be asked once for each record.
class PurgeTable {
 public:
  void add(const DiskPurge& purge, std::uint64_t sequence);
  /// The sequence number of the last purge, hard or soft, that names this object; 0 = none does.
  std::uint64_t last(std::string_view key, std::string_view brief, bool soft) const;
  bool empty() const noexcept { return times_[0].empty() && times_[1].empty(); }

 private:
  using ByText = std::map<std::string, std::uint64_t, std::less<>>;
  struct Times {
    bool empty() const noexcept { return all == 0 && keys.empty() && urls.empty() && hosts.empty() && rest.empty(); }
    std::uint64_t all = 0;
    ByText keys;
    ByText urls;
    ByText hosts;
    std::vector<std::pair<Filter, std::uint64_t>> rest;  // prefixes, tags, groups
  };
  Times times_[2];  // hard, soft
};

class PurgeFile {
 public:
  enum class Found : std::uint8_t {
    kNone,    ///< there was no file: a new one is there now
    kWhole,   ///< read, perhaps without an end that was never acknowledged
    kDamaged  ///< what it said is lost: nothing that was stored before may be used. It is empty now
  };
  /// Opens "purges" in `folder` and reads it into `table`; purges before `oldest` cover nothing any more and are let
  /// go. Errors: kIo.
  Result<Found> open(int folder, std::uint64_t oldest, PurgeTable& table);
  /// As open(), without changing anything. Errors: kIo; kNotFound.
  static Result<Found> look(int folder, PurgeTable& table, std::uint64_t& last);
  /// Adds a purge; it is on the disk when this returns. Errors: kIo; the file is as before then.
  Status add(const DiskPurge& purge, std::uint64_t sequence);
  /// Forgets what covers nothing any more. Errors: kIo; the file is as before then.
  Status shorten(std::uint64_t oldest);
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// The highest sequence number in it.
  std::uint64_t last_sequence() const noexcept { return last_; }

 private:
  Status write_anew(std::string_view bytes);

  int folder_ = -1;
  net::UniqueFd fd_;
  std::uint64_t bytes_ = 0;
  std::uint64_t last_ = 0;
};

}  // namespace rpx::cache
