// The control socket in the file system: bound so that only its owner may connect, taken over from a process that died,
// refused when somebody lives there, and removed again. Main thread.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/error.h"

namespace rpx::control {

/// A listening Unix socket and the file it stands for; destruction closes both.
class SocketFile {
 public:
  /// Binds and listens at the absolute `path` with mode 0600; makes its directory (0700) when missing. A socket file
  /// that nobody answers at is replaced. Errors: kUsage when something else lives there or the path cannot be used,
  /// kIo.
  static Result<SocketFile> listen_at(const std::string& path);
  /// The same beside a process that answers there still: at `path`.new, until somebody renames it and says settle().
  static Result<SocketFile> take_over(const std::string& path);
  /// The file is at path() now.
  void settle() { file_ = path_; }
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

  int fd() const noexcept { return fd_; }
  /// Where it is to be found.
  const std::string& path() const noexcept { return path_; }
  /// Gives the file, and its directory where that was made here, to another user; for before privileges are dropped.
  Status give_to(uid_t uid, gid_t gid);

 private:
  SocketFile() = default;
  static Result<SocketFile> bind_at(const std::string& path);

  std::string path_;
  std::string file_;            ///< where it is, which take_over() makes another place
  std::string made_directory_;  ///< empty when it was there before
  int fd_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace rpx::control
