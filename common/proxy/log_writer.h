// One thread that owns one log's output, so that no worker ever waits for a disk or a pipe. Access and
// error log hand it whole chunks of lines; what it cannot take or write is dropped and counted.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"

namespace rpx::proxy {

class LogOutput;

class LogWriter {
 public:
  /// What may wait to be written; past it new chunks are dropped.
  static constexpr std::size_t kQueueBytes = 16 * 1024 * 1024;

  /// `target`: "stdout", "stderr", "syslog" or a path, which is opened for appending (mode 0640). Errors: kIo.
  static Result<std::unique_ptr<LogWriter>> open(std::string_view target);
  /// Writes what is queued, for two seconds at most, and ends the thread.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// Takes whole lines, each with its '\n'. Never blocks beyond a short lock. Any thread.
  void write(std::string&& lines);
  /// Opens the path again before the next write (after rotation). Also done unasked, within a second, when the path has
  /// come to name another file. Any thread.
  void reopen() noexcept;
  /// Waits until all that was handed over before is written or dropped, two seconds at most (a reader may take
  /// nothing); for tests and the end. Not for a worker.
  void flush();
  /// Lines dropped so far, for a full queue or a failed write. Any thread.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  explicit LogWriter(std::unique_ptr<LogOutput> output);
  void run();
  bool wait_for_work(std::vector<std::string>& chunks);
  void write_out(const std::vector<std::string>& chunks);
  void report_drops();

  std::unique_ptr<LogOutput> output_;  // the thread's alone, as are next_check_, next_report_ and reported_
  std::chrono::steady_clock::time_point next_check_{};
  std::chrono::steady_clock::time_point next_report_{};
  std::uint64_t reported_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::vector<std::string> queue_;
  std::size_t held_bytes_ = 0;  // queued, or being written
  bool busy_ = true;            // the thread is not waiting for work
  bool stopping_ = false;
  bool ended_ = false;
  bool reopen_ = false;
  std::atomic<bool> give_up_ = false;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::thread thread_;
};

}  // namespace rpx::proxy
