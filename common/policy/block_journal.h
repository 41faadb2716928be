// What edits of a blocklist did, a line of JSON each, in a file beside the list, so that they can be looked up and
// undone; and the lock that keeps two of them apart. Used by Blocklist and by rpx-block on files. Not on a worker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "policy/blocklist_line.h"

namespace rpx::policy {

/// What an edit changed, as it was before.
struct BlockTrace {
  std::vector<IpPrefix> added;
  std::vector<BlockItem> changed;
  std::vector<BlockItem> deleted;
};

/// Edits of more entries than this are noted by their numbers alone, and cannot be undone.
inline constexpr std::size_t kMostTraced = 10'000;

/// "list.txt.journal" of "list.txt".
std::string block_journal_of(const std::string& file);

struct BlockCounts {
  std::size_t added = 0;
  std::size_t changed = 0;
  std::size_t deleted = 0;
};

/// Who made an edit: somebody, or the rules of [[ban]]. Each kind is undone on its own.
enum class BlockEditor : std::uint8_t { kSomebody, kBan };

/// Adds a line to the journal of `file`; over 4 MiB the old one becomes "….journal.1". Errors: kIo.
Status note_block_edit(const std::string& file, const BlockTrace& trace, const BlockCounts& counts, WallTime now,
                       BlockEditor by = BlockEditor::kSomebody);

/// Adds that the last `lines` edits of somebody undid the edit of `whose` that stood before them. Errors: kIo.
Status note_block_undo(const std::string& file, std::size_t lines, WallTime now,
                       BlockEditor whose = BlockEditor::kSomebody);

/// Keeps other processes and threads from editing lists of the same folder, for as long as it lives.
class BlocklistLock {
 public:
  /// Waits for others up to ten seconds. Errors: kIo; kResponseTimeout.
  static Result<BlocklistLock> take(const std::string& file);
  BlocklistLock(BlocklistLock&& other) noexcept;
  BlocklistLock& operator=(BlocklistLock&&) = delete;
  ~BlocklistLock();

 private:
  explicit BlocklistLock(int fd) noexcept : fd_(fd) {}
  int fd_;
};

}  // namespace rpx::policy
