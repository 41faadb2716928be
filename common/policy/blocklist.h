// Blocklist: the files of [blocklist] as one table, kept up to date with edits, changes by hand and the clock. Owned by
// proxy/blocklist_keeper, which hands each new table to the workers; control threads and the keeper's own.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "policy/block_table.h"
#include "policy/blocklist_file.h"
#include "policy/blocklist_options.h"

namespace rpx::policy {

/// What came of an edit.
struct BlockOutcome {
  std::size_t added = 0;
  std::size_t changed = 0;
  std::size_t deleted = 0;
  std::vector<IpPrefix> missing;  ///< to be deleted, but in no file
};

class Blocklist {
 public:
  /// Reads the files from now on; without any there is no table. Errors: kConfig naming file and line, kIo; everything
  /// is then as it was.
  Status configure(BlocklistOptions options, WallTime now);
  /// Null when there is no blocklist.
  std::shared_ptr<const BlockTable> table() const;
  /// Reads files that were changed by others and takes out what has run out. True when the table is a new one. Errors
  /// as configure(); they come once for each change of a file, and the table stays.
  Result<bool> refresh(WallTime now);
  /// Changes the files, then the table: `add` in the first file, `del` in all. Errors: kNotFound without a blocklist;
  /// as configure(), and nothing is changed.
  Result<BlockOutcome> edit(BlockEdit edit, WallTime now);
  /// Adds automatic bans: to the first file, from which those that have run out go, or, without files, here. Errors as
  /// configure(); the bans are then held here alone.
  Status ban(std::vector<BlockItem> bans, WallTime now);

 private:
  /// What tells one state of a file from another.
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  static Stamp stamp_of(const std::string& path);
  static std::vector<Stamp> stamps_of(const BlocklistOptions& options);
  Result<std::shared_ptr<const BlockTable>> read(const BlocklistOptions& options, WallTime now) const;
  /// True when any of `prefixes` was banned here.
  bool forget_bans(const std::vector<IpPrefix>& prefixes);
  Result<BlockOutcome> edit_bans(const BlockEdit& edit, WallTime now);
  Status write_bans(const std::vector<BlockItem>& bans, WallTime now) const;
  Status take_up(const BlocklistOptions& options, WallTime now);

  mutable std::mutex mutex_;  // guards what follows; files are read and written under it
  BlocklistOptions options_;
  std::vector<Stamp> stamps_;
  std::shared_ptr<const BlockTable> table_;
  std::vector<BlockItem> bans_;  // that are in no file
};

}  // namespace rpx::policy
