#include "proxy/log_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/result.h"

namespace rpx::proxy {
namespace {

constexpr mode_t kMode = 0640;
// What a pipe that polls as writable takes without blocking (PIPE_BUF on Linux).
constexpr std::size_t kStreamPiece = 4096;
constexpr std::size_t kMaxVectors = 64;
constexpr int kPatienceMs = 100;

std::uint64_t count_lines(std::string_view text) noexcept {
  return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

/// The lines of `chunks` that begin at or after byte `from` of them all, and the one that `from` is within.
std::uint64_t lines_left(std::span<const std::string> chunks, std::size_t from) noexcept {
  std::uint64_t lines = 0;
  for (const std::string& chunk : chunks) {
    if (from < chunk.size()) lines += count_lines(std::string_view(chunk).substr(from));
    from -= std::min(from, chunk.size());
  }
  return lines;
}

/// O_NONBLOCK is for a path that names a pipe: opening and writing it would wait for its reader.
Result<int> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kMode);
  if (fd < 0) return self_error(ErrorKind::kIo, errno_text(fmt::format("cannot open log \"{}\"", path), errno));
  return fd;
}

}  // namespace

Result<std::unique_ptr<LogOutput>> LogOutput::open(std::string_view target) {
  const auto make = [target](Kind kind, int fd) { return std::unique_ptr<LogOutput>(new LogOutput(kind, fd, target)); };
  if (target == "stdout") return make(Kind::kStream, STDOUT_FILENO);
  if (target == "stderr") return make(Kind::kStream, STDERR_FILENO);
  if (target == "syslog") return make(Kind::kSyslog, -1);
  RPX_TRY(const int fd, open_file(std::string(target)));
  struct stat facts{};
  const bool regular = ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
  auto out = make(regular ? Kind::kFile : Kind::kStream, fd);
  return out;
}

LogOutput::~LogOutput() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

std::uint64_t LogOutput::write(std::span<const std::string> chunks, const std::atomic<bool>& give_up) {
  switch (kind_) {
    case Kind::kFile: return write_file(chunks);
    case Kind::kStream: return write_stream(chunks, give_up);
    case Kind::kSyslog: write_syslog(chunks); return 0;
  }
  return 0;
}

std::uint64_t LogOutput::lose(std::span<const std::string> chunks, std::size_t offset, bool was_torn) {
  torn_ = offset > 0 ? chunks.front()[offset - 1] != '\n' : was_torn;
  return lines_left(chunks, offset);
}

std::uint64_t LogOutput::write_file(std::span<const std::string> chunks) {
  // A line that a full disk cut short is ended first, so that it spoils no other.
  std::string_view lead = std::exchange(torn_, false) ? "\n" : "";
  std::size_t offset = 0;  // bytes of the first chunk that are written
  while (!chunks.empty()) {
    std::array<iovec, kMaxVectors> vectors{};
    std::size_t count = 0;
    const auto add = [&](std::string_view text) { vectors[count++] = {const_cast<char*>(text.data()), text.size()}; };
    if (!lead.empty()) add(lead);
    for (std::size_t i = 0; i < chunks.size() && count < vectors.size(); ++i)
      add(std::string_view(chunks[i]).substr(i == 0 ? offset : 0));
    const ssize_t written = ::writev(fd_, vectors.data(), static_cast<int>(count));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      last_error_ = errno_text("write", written < 0 ? errno : ENOSPC);
      return lose(chunks, offset, !lead.empty());
    }
    offset += static_cast<std::size_t>(written) - std::exchange(lead, {}).size();
    while (!chunks.empty() && offset >= chunks.front().size()) {
      offset -= chunks.front().size();
      chunks = chunks.subspan(1);
    }
  }
  return 0;
}

std::uint64_t LogOutput::write_stream(std::span<const std::string> chunks, const std::atomic<bool>& give_up) {
  std::string_view lead = std::exchange(torn_, false) ? "\n" : "";
  for (; !chunks.empty(); chunks = chunks.subspan(1)) {
    const std::string_view chunk = chunks.front();
    std::size_t offset = 0;
    while (offset < chunk.size()) {
      pollfd waiting{fd_, POLLOUT, 0};
      if (::poll(&waiting, 1, kPatienceMs) <= 0) {
        if (!give_up.load(std::memory_order_relaxed)) continue;
        last_error_ = "its reader takes nothing";
        return lose(chunks, offset, !lead.empty());
      }
      const std::string_view piece = lead.empty() ? chunk.substr(offset, kStreamPiece) : lead;
      const ssize_t written = ::write(fd_, piece.data(), piece.size());
      if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (written <= 0) {
        last_error_ = errno_text("write", errno);
        return lose(chunks, offset, !lead.empty());
      }
      if (std::exchange(lead, {}).empty()) offset += static_cast<std::size_t>(written);
    }
  }
  return 0;
}

void LogOutput::write_syslog(std::span<const std::string> chunks) {
  for (std::string_view chunk : chunks) {
    while (!chunk.empty()) {
      const std::size_t end = std::min(chunk.find('\n'), chunk.size());
      ::syslog(LOG_DAEMON | LOG_INFO, "%.*s", static_cast<int>(end), chunk.data());
      chunk.remove_prefix(std::min(end + 1, chunk.size()));
    }
  }
}

Status LogOutput::reopen() {
  if (fd_ <= STDERR_FILENO) return {};
  RPX_TRY(const int fd, open_file(target_));
  ::close(std::exchange(fd_, fd));
  torn_ = false;
  return {};
}

bool LogOutput::was_moved() const noexcept {
  if (kind_ != Kind::kFile) return false;
  struct stat held{};
  struct stat named{};
  if (::fstat(fd_, &held) != 0) return false;
  if (::stat(target_.c_str(), &named) != 0) return errno == ENOENT;
  return held.st_ino != named.st_ino || held.st_dev != named.st_dev;
}

}  // namespace rpx::proxy
