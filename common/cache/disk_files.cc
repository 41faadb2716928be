#include "cache/disk_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "base/result.h"
#include "cache/disk_format.h"

namespace rpx::cache {
namespace {

constexpr std::string_view kEnding = ".segment";
constexpr std::size_t kDigits = 16;
constexpr std::array<std::string_view, 3> kOwnNames{"lock", "purges", "purges.new"};

std::optional<std::uint64_t> number_of(std::string_view name) noexcept {
  if (name.size() != kDigits + kEnding.size() || !name.ends_with(kEnding)) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = name.data() + kDigits;
  const auto [at, failed] = std::from_chars(name.data(), end, number, 16);
  // One number has one name.
  if (failed != std::errc() || at != end || segment_name(number) != name) return std::nullopt;
  return number;
}

}  // namespace

Result<std::string> read_whole_file(int folder, const char* name) {
  const net::UniqueFd fd(::openat(folder, name, O_RDONLY | O_CLOEXEC));
  if (!fd) return self_error(errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo, errno_text(name, errno));
  struct stat facts{};
  if (::fstat(fd.get(), &facts) != 0) return self_error(ErrorKind::kIo, errno_text(name, errno));
  std::string out(static_cast<std::size_t>(facts.st_size), '\0');
  RPX_TRY_VOID(read_at(fd.get(), 0, out.data(), out.size()));
  return out;
}

Status write_at(int fd, std::uint64_t at, std::string_view first, std::string_view second) {
  while (!first.empty() || !second.empty()) {
    const std::array<iovec, 2> parts{
        {{const_cast<char*>(first.data()), first.size()}, {const_cast<char*>(second.data()), second.size()}}};
    const ssize_t wrote = ::pwritev(fd, parts.data(), parts.size(), static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return self_error(ErrorKind::kIo, errno_text("write", errno));
    if (wrote == 0) return self_error(ErrorKind::kIo, errno_text("write", ENOSPC));
    auto count = static_cast<std::size_t>(wrote);
    at += count;
    const std::size_t of_first = std::min(count, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(count - of_first);
  }
  return {};
}

Status read_at(int fd, std::uint64_t at, char* into, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = ::pread(fd, into, bytes, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return self_error(ErrorKind::kIo, errno_text("read", errno));
    if (got == 0) return self_error(ErrorKind::kIo, "read: the file is shorter than it was");
    at += static_cast<std::uint64_t>(got);
    into += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return {};
}

std::string segment_name(std::uint64_t number) { return fmt::format("{:016x}{}", number, kEnding); }

Result<std::vector<std::uint64_t>> segments_in(int folder, std::vector<std::string>& foreign) {
  net::UniqueFd again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* listing = again ? ::fdopendir(again.get()) : nullptr;
  if (!listing) return self_error(ErrorKind::kIo, errno_text("list", errno));
  static_cast<void>(again.release());
  std::vector<std::uint64_t> out;
  while (const dirent* one = ::readdir(listing)) {
    const std::string_view name = one->d_name;
    if (const auto number = number_of(name))
      out.push_back(*number);
    else if (name != "." && name != ".." && std::ranges::find(kOwnNames, name) == kOwnNames.end())
      foreign.emplace_back(name);
  }
  ::closedir(listing);
  std::ranges::sort(out);
  return out;
}

Result<SegmentPtr> create_segment(int folder, std::uint64_t number) {
  const std::string name = segment_name(number);
  net::UniqueFd fd(::openat(folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return self_error(ErrorKind::kIo, errno_text("create " + name, errno));
  std::string header;
  append_file_header(header, {FileKind::kSegment, number});
  if (Status wrote = write_at(fd.get(), 0, header, {}); !wrote) {
    ::unlinkat(folder, name.c_str(), 0);
    return std::unexpected(wrote.error());
  }
  return std::make_shared<DiskSegment>(number, std::move(fd), header.size());
}

Result<SegmentPtr> open_segment(int folder, std::uint64_t number, bool to_write) {
  const std::string name = segment_name(number);
  net::UniqueFd fd(::openat(folder, name.c_str(), (to_write ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC));
  struct stat facts{};
  if (!fd || ::fstat(fd.get(), &facts) != 0) return self_error(ErrorKind::kIo, errno_text("open " + name, errno));
  if (!S_ISREG(facts.st_mode)) return self_error(ErrorKind::kIo, name + " is no file");
  return std::make_shared<DiskSegment>(number, std::move(fd), static_cast<std::uint64_t>(facts.st_size));
}

}  // namespace rpx::cache
