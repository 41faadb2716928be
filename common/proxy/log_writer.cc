#include "proxy/log_writer.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/log.h"
#include "base/result.h"
#include "proxy/log_output.h"

namespace rpx::proxy {
namespace {

constexpr auto kMoveCheck = std::chrono::seconds(1);
constexpr auto kReportEvery = std::chrono::minutes(1);
constexpr auto kLastWrites = std::chrono::seconds(2);

using Clock = std::chrono::steady_clock;

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::open(std::string_view target) {
  RPX_TRY(std::unique_ptr<LogOutput> output, LogOutput::open(target));
  return std::unique_ptr<LogWriter>(new LogWriter(std::move(output)));
}

LogWriter::LogWriter(std::unique_ptr<LogOutput> output) : output_(std::move(output)) {
  // Signals are for the main thread, and a reader that went away shows as EPIPE.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread(&LogWriter::run, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogWriter::~LogWriter() {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
    if (!idle_.wait_for(lock, kLastWrites, [this] { return ended_; })) give_up_ = true;
  }
  thread_.join();
}

void LogWriter::write(std::string&& lines) {
  if (lines.empty()) return;
  const std::size_t size = lines.size();
  const std::lock_guard lock(mutex_);
  if (held_bytes_ + size > kQueueBytes) {
    dropped_.fetch_add(static_cast<std::uint64_t>(std::ranges::count(lines, '\n')), std::memory_order_relaxed);
    return;
  }
  held_bytes_ += size;
  queue_.push_back(std::move(lines));
  if (!busy_) wake_.notify_one();
}

void LogWriter::reopen() noexcept {
  const std::lock_guard lock(mutex_);
  reopen_ = true;
  wake_.notify_one();
}

void LogWriter::flush() {
  std::unique_lock lock(mutex_);
  idle_.wait_for(lock, kLastWrites, [this] { return (queue_.empty() && !reopen_ && !busy_) || ended_; });
}

void LogWriter::run() {
  std::vector<std::string> chunks;
  while (wait_for_work(chunks)) write_out(chunks);
}

bool LogWriter::wait_for_work(std::vector<std::string>& chunks) {
  std::size_t done = 0;
  for (const std::string& chunk : chunks) done += chunk.size();
  chunks.clear();
  std::unique_lock lock(mutex_);
  held_bytes_ -= done;
  busy_ = false;
  if (queue_.empty() && !reopen_) idle_.notify_all();
  wake_.wait(lock, [this] { return !queue_.empty() || reopen_ || stopping_; });
  busy_ = true;
  chunks.swap(queue_);
  const bool reopen = std::exchange(reopen_, false);
  if (chunks.empty() && !reopen) {
    ended_ = true;
    idle_.notify_all();
    return false;
  }
  lock.unlock();
  const auto now = Clock::now();
  bool moved = false;
  if (now >= next_check_) {
    moved = output_->was_moved();
    next_check_ = now + kMoveCheck;
  }
  if (reopen || moved)
    if (const Status opened = output_->reopen(); !opened)
      log_event(LogLevel::kError, "log file cannot be opened again; the old one stays in use",
                {{"log", output_->target()}, {"why", opened.error().detail}});
  return true;
}

void LogWriter::write_out(const std::vector<std::string>& chunks) {
  const std::uint64_t lost = output_->write(chunks, give_up_);
  if (lost != 0) dropped_.fetch_add(lost, std::memory_order_relaxed);
  report_drops();
}

void LogWriter::report_drops() {
  const std::uint64_t dropped = dropped_.load(std::memory_order_relaxed);
  const auto now = Clock::now();
  if (dropped == reported_ || now < next_report_) return;
  const std::string_view why = output_->last_error();
  log_event(LogLevel::kError, "log lines were dropped",
            {{"log", output_->target()},
             {"lines", fmt::format_int(dropped - reported_).c_str()},
             {"why", why.empty() ? "they came faster than they could be written" : why}});
  reported_ = dropped;
  next_report_ = now + kReportEvery;
}

}  // namespace rpx::proxy
