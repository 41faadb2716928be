#include "policy/block_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/text.h"

namespace rpx::policy {
namespace {

constexpr off_t kMostJournal = off_t{4} << 20;
constexpr mode_t kJournalMode = 0640;
constexpr std::chrono::seconds kLockPatience{10};
constexpr int kLockLookMs = 10;

void append_was(std::string& out, std::string_view name, const std::vector<BlockItem>& items) {
  out += fmt::format(",\"{}\":[", name);
  for (const BlockItem& item : items) {
    if (!out.ends_with('[')) out += ',';
    out += fmt::format("{{\"prefix\":\"{}\"", item.prefix.to_string());
    if (item.until) out += fmt::format(",\"until\":\"{}\"", format_rfc3339(*item.until));
    out += ",\"reason\":\"";
    append_json_escaped(out, item.reason);
    out += "\"}";
  }
  out += ']';
}

std::string opening_of_line(WallTime now) {
  return fmt::format(R"({{"time":"{}","by":"{}","uid":{})", format_rfc3339(now), program_invocation_short_name,
                     ::getuid());
}

Status append_line(const std::string& path, const std::string& line) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) == 0 && facts.st_size > kMostJournal) ::rename(path.c_str(), (path + ".1").c_str());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kJournalMode);
  if (fd < 0) return self_error(ErrorKind::kIo, fmt::format("{}: {}", path, errno_text("open", errno)));
  const ssize_t wrote = ::write(fd, line.data(), line.size());
  const int code = errno;
  ::close(fd);
  if (wrote == static_cast<ssize_t>(line.size())) return {};
  return self_error(ErrorKind::kIo, fmt::format("{}: {}", path, errno_text("write", wrote < 0 ? code : ENOSPC)));
}

}  // namespace

std::string block_journal_of(const std::string& file) { return file + ".journal"; }

Status note_block_edit(const std::string& file, const BlockTrace& trace, const BlockCounts& counts, WallTime now,
                       BlockEditor by) {
  std::string line =
      fmt::format(R"({{"time":"{}","by":"{}","uid":{},"counts":[{},{},{}])", format_rfc3339(now),
                  program_invocation_short_name, ::getuid(), counts.added, counts.changed, counts.deleted);
  if (by == BlockEditor::kBan) line += ",\"ban\":true";
  if (counts.added + counts.changed + counts.deleted <= kMostTraced) {
    line += ",\"added\":[";
    for (const IpPrefix& prefix : trace.added)
      line += fmt::format("{}\"{}\"", line.ends_with('[') ? "" : ",", prefix.to_string());
    line += ']';
    append_was(line, "changed", trace.changed);
    append_was(line, "deleted", trace.deleted);
  }
  return append_line(block_journal_of(file), line + "}\n");
}

Status note_block_undo(const std::string& file, std::size_t lines, WallTime now, BlockEditor whose) {
  return append_line(block_journal_of(file), fmt::format("{},\"undo\":{}{}}}\n", opening_of_line(now), lines,
                                                         whose == BlockEditor::kBan ? ",\"ban\":true" : ""));
}

// The folder is locked, as the file itself is replaced by each edit, and a lock of its own would litter.
Result<BlocklistLock> BlocklistLock::take(const std::string& file) {
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::weakly_canonical(file, failed);
  const std::string folder = (failed ? std::filesystem::path(file) : real).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return self_error(ErrorKind::kIo, fmt::format("{}: {}", folder, errno_text("open", errno)));
  BlocklistLock lock(fd);
  const auto until = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return self_error(ErrorKind::kIo, fmt::format("{}: {}", folder, errno_text("flock", errno)));
    if (std::chrono::steady_clock::now() > until)
      return self_error(ErrorKind::kResponseTimeout, fmt::format("{}: another edit does not come to its end", file));
    ::poll(nullptr, 0, kLockLookMs);
  }
  return lock;
}

BlocklistLock::BlocklistLock(BlocklistLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

BlocklistLock::~BlocklistLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace rpx::policy
