// What is read from outside the configuration and may change while it is in use: a file of passwords, a set of keys. A
// thread of the server's looks after it; workers read what was taken last.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/error.h"
#include "base/units.h"

namespace rpx::policy {

class Watched {
 public:
  virtual ~Watched() = default;
  /// Takes up what has changed; what is wrong is logged, and the old stays. May block.
  virtual void look(Instant now) = 0;
};

/// The contents of `path`, up to 4 MiB. Errors: kConfig, for a file that is missing too.
Result<std::string> read_watched_file(const std::string& path);

/// Tells whether a file has been changed or replaced since it was looked at last. One thread.
class FileStamp {
 public:
  /// True at the first look at `path`, and whenever it differs from the one before; a file that is not there differs
  /// from one that is.
  bool changed(const std::string& path) noexcept {
    struct stat now{};
    if (stat(path.c_str(), &now) != 0) now = {};
    const bool same = seen_ && now.st_ino == last_.st_ino && now.st_size == last_.st_size &&
                      now.st_mtim.tv_sec == last_.st_mtim.tv_sec && now.st_mtim.tv_nsec == last_.st_mtim.tv_nsec;
    last_ = now;
    seen_ = true;
    return !same;
  }

 private:
  struct stat last_{};
  bool seen_ = false;
};

}  // namespace rpx::policy
