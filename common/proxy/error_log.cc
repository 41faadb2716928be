#include "proxy/error_log.h"

#include <Poco/AsyncChannel.h>
#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Exception.h>
#include <Poco/Formatter.h>
#include <Poco/FormattingChannel.h>
#include <Poco/Logger.h>
#include <Poco/Message.h>
#include <Poco/SyslogChannel.h>
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <memory>
#include <mutex>

#include "base/log.h"
#include "base/result.h"
#include "base/text.h"
#include "base/units.h"
#include "proxy/log_writer.h"

namespace rpx::proxy {
namespace {

constexpr const char* kLoggerName = "rpx";
/// The named values of an event travel as a parameter of the Poco::Message, already in the log's own syntax.
constexpr const char* kFields = "fields";

struct Priority {
  LogLevel level;
  Poco::Message::Priority poco;
};
constexpr std::array<Priority, 6> kPriorities{{{LogLevel::kTrace, Poco::Message::PRIO_TRACE},
                                               {LogLevel::kDebug, Poco::Message::PRIO_DEBUG},
                                               {LogLevel::kInfo, Poco::Message::PRIO_INFORMATION},
                                               {LogLevel::kNotice, Poco::Message::PRIO_NOTICE},
                                               {LogLevel::kWarning, Poco::Message::PRIO_WARNING},
                                               {LogLevel::kError, Poco::Message::PRIO_ERROR}}};

LogLevel level_of(Poco::Message::Priority priority) noexcept {
  for (const Priority& row : kPriorities)
    if (row.poco == priority) return row.level;
  return LogLevel::kError;
}

std::string time_of(const Poco::Message& message) {
  return format_rfc3339(WallTime(std::chrono::microseconds(message.getTime().epochMicroseconds())));
}

void append_json_member(std::string& out, std::string_view name, std::string_view value) {
  out += '"';
  append_json_escaped(out, name);
  out += "\":\"";
  append_json_escaped(out, value);
  out += '"';
}

class KeyValueFormatter : public Poco::Formatter {
 public:
  explicit KeyValueFormatter(bool with_time) : with_time_(with_time) {}
  void format(const Poco::Message& message, std::string& text) override {
    if (with_time_) text = time_of(message);
    append_key_values(text, "", {{"level", name_of(level_of(message.getPriority()))}, {"message", message.getText()}});
    if (!with_time_) text.erase(0, 1);
    text += message.get(kFields, "");
  }

 private:
  bool with_time_;  // syslog puts a time of its own before each line
};

class JsonFormatter : public Poco::Formatter {
 public:
  void format(const Poco::Message& message, std::string& text) override {
    text = "{";
    append_json_member(text, "time", time_of(message));
    text += ',';
    append_json_member(text, "level", name_of(level_of(message.getPriority())));
    text += ',';
    append_json_member(text, "message", message.getText());
    text += message.get(kFields, "");
    text += '}';
  }
};

/// Hands lines to a LogWriter.
class WriterChannel : public Poco::Channel {
 public:
  explicit WriterChannel(std::unique_ptr<LogWriter> writer) : writer_(std::move(writer)) {}
  void log(const Poco::Message& message) override { writer_->write(message.getText() + '\n'); }
  LogWriter& writer() noexcept { return *writer_; }

 private:
  std::unique_ptr<LogWriter> writer_;
};

/// What is installed. The lock is held for the making of one line at a time.
struct Installed {
  std::mutex mutex;
  bool json = false;
  Poco::AutoPtr<Poco::Channel> channel;  // formatting, and then what follows
  Poco::AutoPtr<WriterChannel> writer;   // null with syslog
};

Installed& installed() {
  // Never destroyed: other static objects may log while they go.
  static auto& instance = *new Installed;
  return instance;
}

/// For before and after: straight to stderr.
void plain_sink(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  std::string line = fmt::format("level={} ", name_of(level));
  append_key_values(line, message, fields);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void sink(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  Installed& log = installed();
  const std::lock_guard lock(log.mutex);
  if (log.channel.isNull()) return;
  std::string text;
  if (log.json) {
    for (const LogField& field : fields) {
      text += ',';
      append_json_member(text, field.name, field.value);
    }
  } else {
    append_key_values(text, "", fields);
  }
  const auto priority = kPriorities[static_cast<std::size_t>(level)].poco;
  Poco::Message event(kLoggerName, std::string(message), priority);
  if (!text.empty()) event.set(kFields, text);
  try {
    Poco::Logger::get(kLoggerName).log(event);
  } catch (const Poco::Exception&) {
    plain_sink(level, message, fields);
  }
}

}  // namespace

Status install_error_log(const LogOptions& options) {
  Poco::AutoPtr<WriterChannel> writer;
  Poco::AutoPtr<Poco::Channel> end;
  const bool to_syslog = options.errors == "syslog";
  const bool json = options.format == "json" && !to_syslog && options.errors != "stderr";
  try {
    if (to_syslog) {
      Poco::AutoPtr<Poco::Channel> syslog(
          new Poco::SyslogChannel("rpx-serve", Poco::SyslogChannel::SYSLOG_PID, Poco::SyslogChannel::SYSLOG_DAEMON));
      end = new Poco::AsyncChannel(syslog);
      end->setProperty("queueSize", "10000");
      end->open();
    } else {
      RPX_TRY(std::unique_ptr<LogWriter> opened, LogWriter::open(options.errors));
      writer = new WriterChannel(std::move(opened));
      end = writer;
    }
    Poco::AutoPtr<Poco::Formatter> formatter(json ? static_cast<Poco::Formatter*>(new JsonFormatter)
                                                  : new KeyValueFormatter(!to_syslog));
    Poco::AutoPtr<Poco::Channel> channel(new Poco::FormattingChannel(formatter, end));
    Installed& log = installed();
    const std::lock_guard lock(log.mutex);
    Poco::Logger& logger = Poco::Logger::get(kLoggerName);
    logger.setLevel(Poco::Message::PRIO_TRACE);  // log_event has chosen already
    logger.setChannel(channel);
    log.channel.swap(channel);
    log.writer.swap(writer);
    log.json = json;
  } catch (const Poco::Exception& failure) {
    return self_error(ErrorKind::kIo, fmt::format("error log \"{}\": {}", options.errors, failure.displayText()));
  }
  set_log_sink(sink, options.level);
  return {};
}

void reopen_error_log() {
  Installed& log = installed();
  const std::lock_guard lock(log.mutex);
  if (!log.writer.isNull()) log.writer->writer().reopen();
}

void close_error_log() {
  set_log_sink(plain_sink, LogLevel::kWarning);
  Installed& log = installed();
  Poco::AutoPtr<Poco::Channel> channel;
  Poco::AutoPtr<WriterChannel> writer;
  const std::lock_guard lock(log.mutex);
  Poco::Logger::get(kLoggerName).setChannel(nullptr);
  log.channel.swap(channel);
  log.writer.swap(writer);
  // What was taken out ends, and writes what it still holds, once the lock is released: its thread may log too.
}

}  // namespace rpx::proxy
