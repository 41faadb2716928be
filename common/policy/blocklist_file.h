// The text of a blocklist file: reading all of it, and edits that keep comments and order. Pure but for the two that
// say read and write. Called by the process' list and by rpx-block; any thread, no worker.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/block_journal.h"
#include "policy/block_table.h"

namespace rpx::policy {

/// A line that is none.
struct BadBlockLine {
  std::uint32_t line = 0;  ///< from 1
  std::string why;
};

/// Adds every entry of `text` to `builder`. Returns the lines that are wrong, at most 20.
std::vector<BadBlockLine> read_block_lines(std::string_view text, BlockTable::Builder& builder);

struct BlockEdit {
  std::vector<BlockItem> add;  ///< of two with the same prefix the last counts
  std::vector<IpPrefix> del;
};

struct EditedBlocklist {
  std::string text;
  std::size_t added = 0;
  std::size_t changed = 0;  ///< were there with another end or reason
  std::size_t deleted = 0;
  std::vector<IpPrefix> missing;  ///< to be deleted, but not there
  BlockTrace trace;               ///< empty for edits of more than kMostTraced
};

/// `text` after `edit`: entries that are known are changed in their place, new ones stand at the end; other lines stay
/// as they are, wrong ones too.
EditedBlocklist edit_blocklist(std::string_view text, BlockEdit edit);
/// `text` without entries that have run out by `now`, of those whose reason begins with `reason`; `count` is how many
/// those were.
std::string prune_blocklist(std::string_view text, WallTime now, std::size_t& count, std::string_view reason = {});

/// The contents of `path`; a file that does not exist is empty. Errors: kIo.
Result<std::string> read_blocklist_file(const std::string& path);
/// Replaces `path` at once: a temporary name beside it, synced, renamed, the folder synced. Its mode is kept. Errors:
/// kIo; the old file is then still there.
Status write_blocklist_file(const std::string& path, std::string_view text);

}  // namespace rpx::policy
