// Levelled events, from anywhere, to one sink. What is logged is a short message and named values;
// whether it becomes key=value text or JSON, and where it goes, is the sink's business (proxy/error_log).
// Any thread; the sink must not block.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace rpx {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kNotice, kWarning, kError };

std::string_view name_of(LogLevel level) noexcept;
std::optional<LogLevel> parse_log_level(std::string_view name) noexcept;

/// A named value of an event. Both are borrowed for the call.
struct LogField {
  std::string_view name;  ///< snake_case
  std::string_view value;
};

using LogSink = void (*)(LogLevel level, std::string_view message, std::initializer_list<LogField> fields);

/// Replaces the sink and the lowest level that reaches it. The default writes key=value lines to stderr from kWarning
/// on.
void set_log_sink(LogSink sink, LogLevel lowest) noexcept;
/// The lowest level that reaches the sink, so that callers may skip building expensive values.
LogLevel log_level() noexcept;
void log_event(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
/// Appends `message key=value key="quoted value"` for `fields`: the text form of an event.
void append_key_values(std::string& out, std::string_view message, std::initializer_list<LogField> fields);

}  // namespace rpx
