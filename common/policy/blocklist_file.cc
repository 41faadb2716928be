#include "policy/blocklist_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/result.h"

namespace rpx::policy {
namespace {

constexpr std::size_t kMostBadLines = 20;
constexpr mode_t kNewMode = 0644;

/// Calls `take(line, number)` for each line, which keeps its end if it has one.
template <class Take>
void each_line(std::string_view text, Take take) {
  std::uint32_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    take(text.substr(0, end), ++number);
    text.remove_prefix(end);
  }
}

std::string_view without_end(std::string_view line) noexcept {
  if (line.ends_with('\n')) line.remove_suffix(1);
  return line;
}

struct Wanted {
  BlockItem item;
  bool found = false;
};

// Sorted by prefix, the last of each prefix only.
std::vector<Wanted> sorted_adds(std::vector<BlockItem> items) {
  std::vector<std::pair<IpPrefix, std::size_t>> order;
  order.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) order.emplace_back(items[i].prefix, i);
  std::ranges::sort(order);
  std::vector<Wanted> out;
  out.reserve(items.size());
  for (const auto& [prefix, i] : order) {
    if (!out.empty() && out.back().item.prefix == prefix) out.pop_back();
    out.push_back({std::move(items[i]), false});
  }
  return out;
}

bool same_second(const std::optional<WallTime>& a, const std::optional<WallTime>& b) noexcept {
  using std::chrono::ceil;
  using std::chrono::seconds;
  return a.has_value() == b.has_value() && (!a || ceil<seconds>(*a) == ceil<seconds>(*b));
}

class OpenFile {
 public:
  explicit OpenFile(int fd) noexcept : fd_(fd) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> io_error(const std::string& path, std::string_view call, int code) {
  return self_error(ErrorKind::kIo, fmt::format("{}: {}", path, errno_text(call, code)));
}

Status write_all(const std::string& path, int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return io_error(path, "write", errno);
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  if (::fsync(fd) != 0) return io_error(path, "fsync", errno);
  return {};
}

}  // namespace

std::vector<BadBlockLine> read_block_lines(std::string_view text, BlockTable::Builder& builder) {
  std::vector<BadBlockLine> bad;
  each_line(text, [&](std::string_view line, std::uint32_t number) {
    const auto read = parse_block_line(without_end(line));
    if (!read) {
      if (bad.size() < kMostBadLines) bad.push_back({number, read.error().detail});
    } else if (*read) {
      builder.add((*read)->prefix, (*read)->until, (*read)->reason);
    }
  });
  return bad;
}

EditedBlocklist edit_blocklist(std::string_view text, BlockEdit edit) {
  EditedBlocklist out;
  std::vector<Wanted> adds = sorted_adds(std::move(edit.add));
  std::ranges::sort(edit.del);
  edit.del.erase(std::ranges::unique(edit.del).begin(), edit.del.end());
  std::vector<bool> gone(edit.del.size());
  const bool traced = adds.size() + edit.del.size() <= kMostTraced;
  out.text.reserve(text.size() + adds.size() * 24);
  each_line(text, [&](std::string_view line, std::uint32_t) {
    const auto read = parse_block_line(without_end(line));
    if (read && *read) {
      const BlockLine& entry = **read;
      const auto del = std::ranges::lower_bound(edit.del, entry.prefix);
      if (del != edit.del.end() && *del == entry.prefix) {
        gone[static_cast<std::size_t>(del - edit.del.begin())] = true;
        ++out.deleted;
        if (traced) out.trace.deleted.push_back({entry.prefix, entry.until, std::string(entry.reason)});
        return;
      }
      const auto add = std::ranges::lower_bound(adds, entry.prefix, {}, [](const Wanted& w) { return w.item.prefix; });
      if (add != adds.end() && add->item.prefix == entry.prefix) {
        if (add->found) return;  // a second line of the same prefix says nothing more
        add->found = true;
        if (!same_second(add->item.until, entry.until) || add->item.reason != entry.reason) {
          out.text += format_block_line(add->item.prefix, add->item.until, add->item.reason) + "\n";
          ++out.changed;
          if (traced) out.trace.changed.push_back({entry.prefix, entry.until, std::string(entry.reason)});
          return;
        }
      }
    }
    out.text += line;
  });
  for (const Wanted& wanted : adds) {
    if (wanted.found) continue;
    if (!out.text.empty() && !out.text.ends_with('\n')) out.text += '\n';
    out.text += format_block_line(wanted.item.prefix, wanted.item.until, wanted.item.reason) + "\n";
    ++out.added;
    if (traced) out.trace.added.push_back(wanted.item.prefix);
  }
  for (std::size_t i = 0; i < gone.size(); ++i)
    if (!gone[i]) out.missing.push_back(edit.del[i]);
  return out;
}

std::string prune_blocklist(std::string_view text, WallTime now, std::size_t& count, std::string_view reason) {
  std::string out;
  count = 0;
  each_line(text, [&](std::string_view line, std::uint32_t) {
    const auto read = parse_block_line(without_end(line));
    if (read && *read && (*read)->until && *(*read)->until <= now && (*read)->reason.starts_with(reason))
      ++count;
    else
      out += line;
  });
  return out;
}

Result<std::string> read_blocklist_file(const std::string& path) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return errno == ENOENT ? Result<std::string>(std::string()) : io_error(path, "open", errno);
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return io_error(path, "fstat", errno);
  if (!S_ISREG(facts.st_mode)) return self_error(ErrorKind::kIo, fmt::format("{}: not a file", path));
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  std::size_t have = 0;
  for (;;) {
    if (have == text.size()) text.resize(text.size() + 4096);
    const ssize_t got = ::read(file.get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error(path, "read", errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

Status write_blocklist_file(const std::string& path, std::string_view text) {
  // A link is followed, so that what it points to is replaced and not the link.
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, failed);
  const std::string target = failed ? path : real.string();
  struct stat facts{};
  const bool known = ::stat(target.c_str(), &facts) == 0;
  const std::string temporary = fmt::format("{}.{}.new", target, ::getpid());
  {
    const OpenFile file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kNewMode));
    if (file.get() < 0) return io_error(temporary, "open", errno);
    if (known) ::fchmod(file.get(), facts.st_mode & 07777);
    if (const Status wrote = write_all(temporary, file.get(), text); !wrote) {
      ::unlink(temporary.c_str());
      return wrote;
    }
  }
  if (::rename(temporary.c_str(), target.c_str()) != 0) {
    const int code = errno;
    ::unlink(temporary.c_str());
    return io_error(target, "rename", code);
  }
  const std::string parent = std::filesystem::path(target).parent_path().string();
  const OpenFile folder(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
  return {};
}

}  // namespace rpx::policy
