// Lists as others write them: what rpx-block import reads. Pure but for read_input(); main thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/blocklist_file.h"

namespace rpx::block {

struct Imported {
  std::vector<policy::BlockItem> items;
  std::vector<policy::BadBlockLine> bad;  ///< what was left out, at most 20
};

/// Reads lines of a blocklist (also with `;` before comments), CSV whose first field is the prefix, JSON (texts, or
/// objects with prefix, cidr, ip or address, anywhere), `ipset save`, or `nft list`, told apart by their looks.
/// Timeouts count from `now`; entries that are over by then are left out without a word.
Imported import_list(std::string_view text, WallTime now);
/// A file, or stdin for "-". Errors: kIo; kUsage when it does not exist.
Result<std::string> read_input(const std::string& name);

}  // namespace rpx::block
