#include "base/log.h"

#include <array>
#include <atomic>
#include <cstdio>

#include "base/text.h"

namespace rpx {
namespace {

constexpr std::array<std::string_view, 6> kNames{"trace", "debug", "info", "notice", "warning", "error"};

void write_to_stderr(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  std::string line("level=");
  line += name_of(level);
  line += ' ';
  append_key_values(line, message, fields);
  line += '\n';
  // One call, so that lines of several threads do not mix.
  std::fwrite(line.data(), 1, line.size(), stderr);
}

std::atomic<LogSink> sink{write_to_stderr};
std::atomic<LogLevel> lowest_level{LogLevel::kWarning};

bool is_plain(std::string_view value) noexcept {
  for (const char c : value)
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == '\x7f') return false;
  return !value.empty();
}

}  // namespace

std::string_view name_of(LogLevel level) noexcept { return kNames[static_cast<std::size_t>(level)]; }

std::optional<LogLevel> parse_log_level(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<LogLevel>(i);
  return std::nullopt;
}

void set_log_sink(LogSink new_sink, LogLevel lowest) noexcept {
  sink.store(new_sink, std::memory_order_release);
  lowest_level.store(lowest, std::memory_order_relaxed);
}

LogLevel log_level() noexcept { return lowest_level.load(std::memory_order_relaxed); }

void log_event(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level >= log_level()) sink.load(std::memory_order_acquire)(level, message, fields);
}

void append_key_values(std::string& out, std::string_view message, std::initializer_list<LogField> fields) {
  // The message leads the line unquoted, so it may not end it.
  for (const char c : message) out += c == '\n' || c == '\r' ? ' ' : c;
  for (const LogField& field : fields) {
    out += ' ';
    out += field.name;
    out += '=';
    if (is_plain(field.value)) {
      out += field.value;
      continue;
    }
    out += '"';
    append_json_escaped(out, field.value);
    out += '"';
  }
}

}  // namespace rpx
