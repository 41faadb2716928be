// One line per exchange. AccessFormat is compiled with the site and shared; each worker has an AccessLog of
// its own, which gathers lines and hands them to the LogWriter in chunks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/events.h"
#include "base/units.h"
#include "http/headers.h"
#include "policy/text_template.h"
#include "proxy/log_writer.h"

namespace rpx::proxy {

/// What is told about an exchange. Views are borrowed for the call. Empty and negative mean: there was none.
struct AccessEntry {
  WallTime time;            ///< when the request began
  std::string_view client;  ///< believed client address
  std::string_view peer;    ///< address of the connection's other end
  std::string_view method;
  std::string_view scheme;
  std::string_view host;       ///< without port
  std::string_view authority;  ///< with the port the client gave
  std::string_view target;     ///< as received
  std::string_view path;       ///< canonical
  std::string_view query;      ///< with its '?'
  std::string_view protocol;   ///< "HTTP/1.1"
  std::string_view listener;
  std::string_view route;
  std::string_view upstream;
  std::string_view server;
  std::string_view reason;  ///< name of the ErrorKind that ended it early
  std::string_view request_id;
  std::string_view user;
  std::string_view client_certificate_subject;
  std::string_view client_certificate_fingerprint;
  std::uint16_t status = 0;          ///< sent to the client
  std::uint32_t tries = 0;           ///< servers asked
  std::uint64_t bytes_received = 0;  ///< from the client, heads included
  std::uint64_t bytes_sent = 0;      ///< to the client, heads included
  double queue_s = -1;               ///< waited for a connection slot
  double connect_s = -1;
  double first_byte_s = -1;  ///< from the request sent to the reply's first byte
  double total_s = 0;
  const http::Headers* request_headers = nullptr;   ///< for User-Agent, Referer, {header:…} and {cookie:…}
  const http::Headers* response_headers = nullptr;  ///< for {response_header:…}
};

class AccessFormat {
 public:
  /// "json", "common", "combined", or a template of TemplateUse::kLog. Errors: kConfig.
  static Result<AccessFormat> compile(std::string_view format);

  /// Appends one line with its '\n'. What a client wrote is escaped: as JSON, or in the other formats control
  /// characters, quotes, backslashes and bytes past ASCII as \xHH, so that no value can end its line or its quotes.
  void append(std::string& out, const AccessEntry& entry) const;

 private:
  enum class Kind : std::uint8_t { kJson, kCommon, kCombined, kTemplate };
  Kind kind_ = Kind::kJson;
  policy::TextTemplate template_;
};

/// A worker's own end of the log. One thread.
class AccessLog {
 public:
  /// Off: add() does nothing.
  AccessLog() = default;
  AccessLog(std::shared_ptr<LogWriter> writer, std::shared_ptr<const AccessFormat> format);
  ~AccessLog() { flush(); }
  AccessLog(AccessLog&&) noexcept = default;
  /// Flushes what this one held, then takes over.
  AccessLog& operator=(AccessLog&& other) noexcept;

  /// Whether lines are wanted, so that callers may skip making an entry.
  bool enabled() const noexcept { return writer_ != nullptr || event_wanted(EventKind::kAccess); }
  /// Appends a line; hands the chunk over once it has 32 KiB. Publishes it where somebody listens for it.
  void add(const AccessEntry& entry);
  bool pending() const noexcept { return !buffer_.empty(); }
  /// Hands over what there is; the worker's 200 ms tick calls it.
  void flush();

 private:
  std::shared_ptr<LogWriter> writer_;
  std::shared_ptr<const AccessFormat> format_;
  std::string buffer_;
};

}  // namespace rpx::proxy
