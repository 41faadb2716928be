#include "file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace rpx::serve {

namespace {

std::unexpected<Error> failed(const std::string& path, std::string_view call) {
  return self_error(ErrorKind::kIo, fmt::format("{}: {}", path, errno_text(call, errno)));
}

}  // namespace

Status replace_file(const std::string& path, std::string_view text, unsigned mode) {
  const std::string temporary = fmt::format("{}.{}.new", path, ::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return failed(path, "open " + temporary);
  Status done;
  while (!text.empty() && done) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      done = failed(path, "write");
    }
  }
  if (done && ::fsync(fd) != 0) done = failed(path, "fsync");
  ::close(fd);
  if (done && std::rename(temporary.c_str(), path.c_str()) != 0) done = failed(path, "rename");
  if (!done) ::unlink(temporary.c_str());
  return done;
}

}  // namespace rpx::serve
