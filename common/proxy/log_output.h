// Where the lines of a log go: a file, a standard stream or syslog. Owned by one LogWriter, whose thread
// alone calls it, and may be held up by it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace rpx::proxy {

class LogOutput {
 public:
  /// `target`: "stdout", "stderr", "syslog" or a path. Errors: kIo.
  static Result<std::unique_ptr<LogOutput>> open(std::string_view target);
  ~LogOutput();
  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;

  /// Writes whole lines; waits for a slow reader of a stream until `give_up` is set. Returns how many lines were lost,
  /// with the reason in last_error(). Syslog loses none, but waits as long as syslog(3) does.
  std::uint64_t write(std::span<const std::string> chunks, const std::atomic<bool>& give_up);
  /// Opens the path again. The old file stays in use when that fails.
  Status reopen();
  /// Whether the path has come to name another file, or none.
  bool was_moved() const noexcept;

  const std::string& target() const noexcept { return target_; }
  const std::string& last_error() const noexcept { return last_error_; }

 private:
  enum class Kind : std::uint8_t { kFile, kStream, kSyslog };
  LogOutput(Kind kind, int fd, std::string_view target) : kind_(kind), fd_(fd), target_(target) {}
  std::uint64_t write_file(std::span<const std::string> chunks);
  std::uint64_t write_stream(std::span<const std::string> chunks, const std::atomic<bool>& give_up);
  /// Notes whether the output now ends within a line; counts the lines of `chunks` from byte `offset` of the first on.
  std::uint64_t lose(std::span<const std::string> chunks, std::size_t offset, bool was_torn);
  void write_syslog(std::span<const std::string> chunks);

  Kind kind_;
  int fd_;
  bool torn_ = false;  // the last write ended within a line
  std::string target_;
  std::string last_error_;
};

}  // namespace rpx::proxy
