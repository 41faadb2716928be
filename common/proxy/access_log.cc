#include "proxy/access_log.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/result.h"
#include "base/text.h"
#include "policy/field_name.h"
#include "policy/values.h"

namespace rpx::proxy {
namespace {

using http::FieldId;
using policy::Variable;

constexpr std::size_t kChunk = 32 * 1024;

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  out.append(digits.data(), std::to_chars(digits.begin(), digits.end(), value).ptr);
}

/// Exactly `width` digits, with leading zeros.
void append_digits(std::string& out, std::uint64_t value, std::size_t width) {
  const std::size_t end = out.size() + width;
  out.resize(end);
  for (std::size_t i = 0; i < width; ++i, value /= 10) out[end - 1 - i] = static_cast<char>('0' + value % 10);
}

/// Seconds with microseconds: 0.001234. `none` where there is no value.
void append_seconds(std::string& out, double seconds, std::string_view none) {
  if (!(seconds >= 0) || seconds > 1e9) {
    out += none;
    return;
  }
  const auto micros = static_cast<std::uint64_t>(std::llround(seconds * 1e6));
  append_number(out, micros / 1'000'000);
  out += '.';
  append_digits(out, micros % 1'000'000, 6);
}

struct Moment {
  std::chrono::year_month_day day;
  std::chrono::hh_mm_ss<std::chrono::milliseconds> clock;
};

Moment moment_of(WallTime time) {
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(millis);
  return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss(millis - day)};
}

std::uint64_t unsigned_of(auto value) { return static_cast<std::uint64_t>(value.count()); }

void append_clock(std::string& out, const Moment& moment) {
  append_digits(out, unsigned_of(moment.clock.hours()), 2);
  out += ':';
  append_digits(out, unsigned_of(moment.clock.minutes()), 2);
  out += ':';
  append_digits(out, unsigned_of(moment.clock.seconds()), 2);
}

/// 2026-01-02T03:04:05.678Z
void append_rfc3339(std::string& out, WallTime time) {
  const Moment moment = moment_of(time);
  append_digits(out, static_cast<std::uint64_t>(static_cast<int>(moment.day.year())), 4);
  out += '-';
  append_digits(out, static_cast<unsigned>(moment.day.month()), 2);
  out += '-';
  append_digits(out, static_cast<unsigned>(moment.day.day()), 2);
  out += 'T';
  append_clock(out, moment);
  out += '.';
  append_digits(out, unsigned_of(moment.clock.subseconds()), 3);
  out += 'Z';
}

/// 02/Jan/2026:03:04:05 +0000
void append_common_time(std::string& out, WallTime time) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const Moment moment = moment_of(time);
  append_digits(out, static_cast<unsigned>(moment.day.day()), 2);
  out += '/';
  out += kMonths.substr((static_cast<unsigned>(moment.day.month()) - 1) * 3, 3);
  out += '/';
  append_digits(out, static_cast<std::uint64_t>(static_cast<int>(moment.day.year())), 4);
  out += ':';
  append_clock(out, moment);
  out += " +0000";
}

/// Looks at every byte rather than up to the first odd one: nearly all texts are plain, and this way the loop is
/// made into vector instructions.
bool is_plain(std::string_view text) noexcept {
  bool odd = false;
  for (const char c : text) odd |= (c < ' ') | (c > '~') | (c == '"') | (c == '\\');
  return !odd;
}

/// `text` with what could end a line or its quotes as \xHH; "-" for nothing.
void append_escaped(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += '-';
    return;
  }
  if (is_plain(text)) {
    out += text;
    return;
  }
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

std::string_view field_of(const http::Headers* headers, FieldId id) noexcept {
  return headers == nullptr ? std::string_view() : headers->value(id);
}

/// `key` is written as it is: `,"name":"`, and so on up to the value's first letter.
void append_json_text(std::string& out, std::string_view key, std::string_view value) {
  out += key;
  if (is_plain(value))
    out += value;
  else
    append_json_escaped(out, value);
}

void append_json(std::string& out, const AccessEntry& entry) {
  out += "{\"time\":\"";
  append_rfc3339(out, entry.time);
  append_json_text(out, "\",\"client\":\"", entry.client);
  append_json_text(out, "\",\"method\":\"", entry.method);
  append_json_text(out, "\",\"host\":\"", entry.host);
  append_json_text(out, "\",\"target\":\"", entry.target);
  append_json_text(out, "\",\"protocol\":\"", entry.protocol);
  out += "\",\"status\":";
  append_number(out, entry.status);
  out += ",\"bytes_received\":";
  append_number(out, entry.bytes_received);
  out += ",\"bytes_sent\":";
  append_number(out, entry.bytes_sent);
  append_json_text(out, ",\"route\":\"", entry.route);
  append_json_text(out, "\",\"upstream\":\"", entry.upstream);
  append_json_text(out, "\",\"server\":\"", entry.server);
  out += "\",\"tries\":";
  append_number(out, entry.tries);
  out += ",\"queue_s\":";
  append_seconds(out, entry.queue_s, "null");
  out += ",\"connect_s\":";
  append_seconds(out, entry.connect_s, "null");
  out += ",\"first_byte_s\":";
  append_seconds(out, entry.first_byte_s, "null");
  out += ",\"total_s\":";
  append_seconds(out, entry.total_s, "null");
  append_json_text(out, ",\"reason\":\"", entry.reason);
  append_json_text(out, "\",\"request_id\":\"", entry.request_id);
  append_json_text(out, "\",\"user_agent\":\"", field_of(entry.request_headers, FieldId::kUserAgent));
  append_json_text(out, "\",\"referer\":\"", field_of(entry.request_headers, FieldId::kReferer));
  append_json_text(out, "\",\"listener\":\"", entry.listener);
  append_json_text(out, "\",\"user\":\"", entry.user);
  out += "\"}\n";
}

void append_status(std::string& out, std::uint16_t status) {
  if (status == 0)
    out += '-';
  else
    append_number(out, status);
}

void append_common(std::string& out, const AccessEntry& entry) {
  append_escaped(out, entry.client);
  out += " - ";
  append_escaped(out, entry.user);
  out += " [";
  append_common_time(out, entry.time);
  out += "] \"";
  append_escaped(out, entry.method);
  if (!entry.method.empty()) {
    out += ' ';
    append_escaped(out, entry.target);
    out += ' ';
    append_escaped(out, entry.protocol);
  }
  out += "\" ";
  append_status(out, entry.status);
  out += ' ';
  append_number(out, entry.bytes_sent);
}

void append_combined(std::string& out, const AccessEntry& entry) {
  append_common(out, entry);
  out += " \"";
  append_escaped(out, field_of(entry.request_headers, FieldId::kReferer));
  out += "\" \"";
  append_escaped(out, field_of(entry.request_headers, FieldId::kUserAgent));
  out += '"';
}

/// The text of a variable that is one of the entry's texts, as it came; escaping is the caller's business.
std::string_view text_of(const policy::TemplatePart& part, const AccessEntry& entry) {
  switch (part.variable) {
    case Variable::kClient: return entry.client;
    case Variable::kPeer: return entry.peer;
    case Variable::kMethod: return entry.method;
    case Variable::kScheme: return entry.scheme;
    case Variable::kHost: return entry.host;
    case Variable::kAuthority: return entry.authority;
    case Variable::kPath: return entry.path;
    case Variable::kQuery: return entry.query;
    case Variable::kTarget: return entry.target;
    case Variable::kRequestId: return entry.request_id;
    case Variable::kRoute: return entry.route;
    case Variable::kUpstream: return entry.upstream;
    case Variable::kServer: return entry.server;
    case Variable::kListener: return entry.listener;
    case Variable::kProtocol: return entry.protocol;
    case Variable::kReason: return entry.reason;
    case Variable::kUser: return entry.user;
    case Variable::kClientCertSubject: return entry.client_certificate_subject;
    case Variable::kClientCertFingerprint: return entry.client_certificate_fingerprint;
    case Variable::kHeader: return entry.request_headers == nullptr ? "" : entry.request_headers->value(part.text);
    case Variable::kResponseHeader:
      return entry.response_headers == nullptr ? "" : entry.response_headers->value(part.text);
    case Variable::kCookie:
      return entry.request_headers == nullptr ? "" : policy::cookie_value(*entry.request_headers, part.text);
    default: return {};
  }
}

void append_variable(std::string& out, const policy::TemplatePart& part, const AccessEntry& entry) {
  switch (part.variable) {
    case Variable::kStatus: append_status(out, entry.status); return;
    case Variable::kBytesReceived: append_number(out, entry.bytes_received); return;
    case Variable::kBytesSent: append_number(out, entry.bytes_sent); return;
    case Variable::kTries: append_number(out, entry.tries); return;
    case Variable::kTime: append_rfc3339(out, entry.time); return;
    case Variable::kTimeCommon: append_common_time(out, entry.time); return;
    case Variable::kDuration: append_seconds(out, entry.total_s, "-"); return;
    case Variable::kQueueTime: append_seconds(out, entry.queue_s, "-"); return;
    case Variable::kConnectTime: append_seconds(out, entry.connect_s, "-"); return;
    case Variable::kFirstByteTime: append_seconds(out, entry.first_byte_s, "-"); return;
    default: append_escaped(out, text_of(part, entry));
  }
}

}  // namespace

Result<AccessFormat> AccessFormat::compile(std::string_view format) {
  AccessFormat out;
  if (format == "json") return out;
  if (format == "common" || format == "combined") {
    out.kind_ = format == "common" ? Kind::kCommon : Kind::kCombined;
    return out;
  }
  if (policy::has_control(format))
    return self_error(ErrorKind::kConfig, "a log format is one line without control characters");
  RPX_TRY(out.template_, policy::TextTemplate::parse(format, policy::TemplateUse::kLog));
  out.kind_ = Kind::kTemplate;
  // Every line the same is surely a slip in the name of a format.
  if (out.template_.is_literal()) {
    constexpr std::array<std::string_view, 3> kNames{"json", "common", "combined"};
    const std::string_view near = did_you_mean(format, kNames);
    return self_error(ErrorKind::kConfig,
                      fmt::format("\"{}\" is no log format: json, common, combined or a text with {{variables}}{}",
                                  format, near.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", near)));
  }
  return out;
}

void AccessFormat::append(std::string& out, const AccessEntry& entry) const {
  switch (kind_) {
    case Kind::kJson: append_json(out, entry); return;
    case Kind::kCommon: append_common(out, entry); break;
    case Kind::kCombined: append_combined(out, entry); break;
    case Kind::kTemplate:
      template_.render(out,
                       [&](const policy::TemplatePart& part, std::string& to) { append_variable(to, part, entry); });
  }
  out += '\n';
}

AccessLog::AccessLog(std::shared_ptr<LogWriter> writer, std::shared_ptr<const AccessFormat> format)
    : writer_(std::move(writer)), format_(std::move(format)) {}

AccessLog& AccessLog::operator=(AccessLog&& other) noexcept {
  if (this == &other) return *this;
  flush();
  writer_ = std::move(other.writer_);
  format_ = std::move(other.format_);
  buffer_ = std::move(other.buffer_);
  return *this;
}

void AccessLog::add(const AccessEntry& entry) {
  if (event_wanted(EventKind::kAccess)) {
    std::string line;
    append_json(line, entry);
    publish_json(EventKind::kAccess, line);
  }
  if (writer_ == nullptr) return;
  if (buffer_.capacity() < kChunk) buffer_.reserve(kChunk + kChunk / 4);
  format_->append(buffer_, entry);
  if (buffer_.size() >= kChunk) flush();
}

void AccessLog::flush() {
  if (buffer_.empty()) return;
  writer_->write(std::exchange(buffer_, {}));
}

}  // namespace rpx::proxy
