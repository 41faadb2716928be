#include "policy/watched.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"
#include "net/fd.h"

namespace rpx::policy {
namespace {

constexpr std::size_t kMostBytes = 4UL * 1024 * 1024;

std::unexpected<Error> cannot_read(const std::string& path, std::string_view call) {
  return self_error(ErrorKind::kConfig, fmt::format("{}: {}", path, errno_text(call, errno)));
}

}  // namespace

Result<std::string> read_watched_file(const std::string& path) {
  const net::UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return cannot_read(path, "open");
  struct stat facts{};
  if (fstat(file.get(), &facts) != 0) return cannot_read(path, "fstat");
  if (!S_ISREG(facts.st_mode)) return self_error(ErrorKind::kConfig, fmt::format("{}: not a file", path));
  std::string text;
  char bytes[16 * 1024];
  for (;;) {
    const ssize_t got = read(file.get(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(path, "read");
    if (got == 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
    if (text.size() > kMostBytes) return self_error(ErrorKind::kConfig, fmt::format("{}: larger than 4 MiB", path));
  }
}

void WatchedFile::tell(const Result<bool>& read, std::string_view message) {
  std::string why = read ? "" : read.error().detail;
  if (!why.empty() && why != told_) log_event(LogLevel::kError, message, {{"why", why}});
  told_ = std::move(why);
}

std::string quoted_realm(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace rpx::policy
