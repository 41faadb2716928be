// Asks a running proxy over its control socket. Used by the verbs of the tools; one call at a time, blocking.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/units.h"

namespace rpx::control {

struct Answer {
  int status = 0;
  std::string content_type;
  std::string body;
};

/// `text` as one segment of a path, or a value of a query: percent-encoded but for the unreserved characters (RFC 3986
/// section 2.3).
std::string encoded_segment(const std::string& text);

class Client {
 public:
  /// `path` of the control socket; `timeout` to connect, and between two reads of an answer.
  Client(std::string path, Duration timeout) : path_(std::move(path)), timeout_(timeout) {}

  /// One call on a connection of its own. `body` is sent with `content_type` when not empty. Any status is an answer.
  /// Errors: kConnectRefused when nobody answers at the socket, kResponseTimeout, kBadResponse; the detail names the
  /// path and what to do.
  Result<Answer> ask(std::string_view method, std::string_view target, std::string_view body = {},
                     std::string_view content_type = "application/json") const;

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  Duration timeout_;
};

}  // namespace rpx::control
