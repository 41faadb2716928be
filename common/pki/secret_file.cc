#include "pki/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "net/fd.h"

namespace rpx::pki {
namespace {

constexpr std::size_t kMostSecret = 1024 * 1024;

std::unexpected<Error> file_error(const std::string& path, std::string_view call) {
  return self_error(ErrorKind::kIo, fmt::format("{}: {}", path, errno_text(call, errno)));
}

Status write_all(int fd, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno != EINTR) return file_error(path, "write");
    if (put > 0) text.remove_prefix(static_cast<std::size_t>(put));
  }
  return fsync(fd) == 0 ? Status{} : file_error(path, "fsync");
}

}  // namespace

Status write_secret_file(const std::string& path, std::string_view text) {
  const std::string temporary = fmt::format("{}.{}.new", path, getpid());
  unlink(temporary.c_str());
  net::UniqueFd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return file_error(temporary, "open");
  Status done = write_all(file.get(), temporary, text);
  file = {};
  if (done && std::rename(temporary.c_str(), path.c_str()) != 0) done = file_error(path, "rename");
  if (!done) {
    unlink(temporary.c_str());
    return done;
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const net::UniqueFd parent(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent) fsync(parent.get());
  return {};
}

Result<std::string> read_secret_file(const std::string& path) {
  const net::UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return errno == ENOENT ? Result<std::string>(std::string()) : file_error(path, "open");
  std::string out;
  std::array<char, 16384> piece{};
  for (;;) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path, "read");
    if (got == 0) break;
    out.append(piece.data(), static_cast<std::size_t>(got));
    if (out.size() > kMostSecret) return self_error(ErrorKind::kIo, fmt::format("{}: larger than 1 MiB", path));
  }
  OPENSSL_cleanse(piece.data(), piece.size());
  return out;
}

void wipe(std::string& text) noexcept {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace rpx::pki
