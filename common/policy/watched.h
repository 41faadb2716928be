// What is read from outside the configuration and may change while it is in use: a file of passwords, a set of keys. A
// thread of the server's looks after it; workers read what was taken last.
#pragma once

#include <sys/stat.h>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/result.h"
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

/// A file that is read anew when it has changed, by one at a time. Any thread, but tell().
class WatchedFile {
 public:
  explicit WatchedFile(std::string path) : path_(std::move(path)) {}

  /// Has `take`, a Status(const std::string& text), take up the file where it has changed, or was not taken up the last
  /// time; true when it did. Errors: kConfig with the file, and what is wrong or `take` says.
  template <class Take>
  Result<bool> reread(const Take& take) {
    const std::scoped_lock lock(mutex_);
    if (!stamp_.changed(path_) && !is_broken_) return false;
    is_broken_ = true;
    RPX_TRY(const std::string text, read_watched_file(path_));
    if (const Status taken = take(text); !taken)
      return self_error(ErrorKind::kConfig, path_ + ": " + taken.error().detail);
    is_broken_ = false;
    return true;
  }
  /// Logs `message` with what is wrong with the file, once for each time it is wrong in another way. One thread.
  void tell(const Result<bool>& read, std::string_view message);

 private:
  const std::string path_;
  std::mutex mutex_;
  FileStamp stamp_;        // under mutex_, as is the next
  bool is_broken_ = true;  // it is read until it can be taken up
  std::string told_;
};

/// `text` as a quoted string (RFC 9110 section 5.6.4) holds it, without the quotes: a realm. It has no control
/// characters.
std::string quoted_realm(std::string_view text);

}  // namespace rpx::policy
