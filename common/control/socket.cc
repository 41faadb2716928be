#include "control/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/result.h"

namespace rpx::control {

namespace {

constexpr int kBacklog = 64;

std::unexpected<Error> failed(const std::string& path, std::string_view call) {
  return self_error(ErrorKind::kIo, fmt::format("control socket {}: {}", path, errno_text(call, errno)));
}

// Held while the socket is looked at and bound, so that of two processes that start at once only one takes over a dead
// socket. The directory itself is locked: nothing is left behind.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::string& directory)
      : fd_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0) ::flock(fd_, LOCK_EX);
  }
  ~DirectoryLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int fd_;
};

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof(address.sun_path)) {
    return self_error(
        ErrorKind::kUsage,
        fmt::format("control socket {}: the path has {} bytes and {} is the most; give a shorter one with "
                    "serve.control or --socket",
                    path, path.size(), sizeof(address.sun_path) - 1));
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

// Whether somebody answers at `address`. A full backlog is somebody too.
bool is_alive(const sockaddr_un& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return true;
  const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const bool alive = connected || errno != ECONNREFUSED;
  ::close(fd);
  return alive;
}

Status clear_dead(const std::string& path, const sockaddr_un& address) {
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) != 0) return {};
  if (!S_ISSOCK(seen.st_mode)) {
    return self_error(ErrorKind::kUsage, fmt::format("control socket {}: a file is there that is no socket", path));
  }
  if (is_alive(address)) {
    return self_error(ErrorKind::kUsage,
                      fmt::format("control socket {}: another process answers there; stop it (rpx-serve stop --socket "
                                  "{}) or give this one its own with serve.control or --socket",
                                  path, path));
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed(path, "unlink");
  return {};
}

}  // namespace

Result<SocketFile> SocketFile::listen_at(const std::string& path) { return bind_at(path); }

Result<SocketFile> SocketFile::take_over(const std::string& path) {
  RPX_TRY(SocketFile file, bind_at(path + ".new"));
  file.path_ = path;
  return file;
}

Result<SocketFile> SocketFile::bind_at(const std::string& path) {
  RPX_TRY(const sockaddr_un address, address_of(path));
  SocketFile file;
  const std::string directory = std::filesystem::path(path).parent_path().string();
  if (::mkdir(directory.c_str(), 0700) == 0) {
    file.made_directory_ = directory;
  } else if (errno != EEXIST) {
    return failed(path, "mkdir " + directory);
  }
  const DirectoryLock lock(directory);
  RPX_TRY_VOID(clear_dead(path, address));

  file.fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file.fd_ < 0) return failed(path, "socket");
  if (::bind(file.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return failed(path, "bind");
  file.path_ = path;
  file.file_ = path;
  // Nobody can connect before listen, so the mode is right before it matters, and the process-wide umask stays alone.
  if (::chmod(path.c_str(), 0600) != 0) return failed(path, "chmod");
  struct stat made{};
  if (::lstat(path.c_str(), &made) != 0) return failed(path, "lstat");
  file.device_ = made.st_dev;
  file.inode_ = made.st_ino;
  if (::listen(file.fd_, kBacklog) != 0) return failed(path, "listen");
  return file;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      file_(std::exchange(other.file_, {})),
      made_directory_(std::exchange(other.made_directory_, {})),
      fd_(std::exchange(other.fd_, -1)),
      device_(other.device_),
      inode_(other.inode_) {}

SocketFile::~SocketFile() {
  if (fd_ >= 0) ::close(fd_);
  struct stat seen{};
  // Only what was made here goes: another process may have taken the name since.
  const bool still_ours =
      !file_.empty() && ::lstat(file_.c_str(), &seen) == 0 && seen.st_dev == device_ && seen.st_ino == inode_;
  if (still_ours) ::unlink(file_.c_str());
  if (!made_directory_.empty()) ::rmdir(made_directory_.c_str());
}

Status SocketFile::give_to(uid_t uid, gid_t gid) {
  if (::lchown(file_.c_str(), uid, gid) != 0) return failed(file_, "chown");
  if (!made_directory_.empty() && ::lchown(made_directory_.c_str(), uid, gid) != 0) return failed(path_, "chown");
  return {};
}

}  // namespace rpx::control
