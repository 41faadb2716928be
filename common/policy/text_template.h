// Text with {variables}: header values, redirect targets, log lines, later cache and limit keys.
// Compiled once, rendered per exchange. Immutable, any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rpx::policy {

/// One row of the table of variables.
enum class Variable : std::uint8_t {
  kLiteral,
  kClient,        // believed client address
  kClientPrefix,  // its network: {client/24} or {client/24/56}, the second for IPv6
  kPeer,          // address of the connection's other end
  kMethod,
  kScheme,
  kHost,       // without port
  kAuthority,  // with port
  kPath,
  kQuery,   // with '?', or empty
  kTarget,  // path and query as received
  kRequestId,
  kRoute,
  kUpstream,
  kServer,
  kStatus,
  kListener,
  kProtocol,  // HTTP/1.1
  kBytesReceived,
  kBytesSent,
  kTries,
  kReason,      // reason code of an abort, or "-"
  kTime,        // RFC 3339
  kTimeCommon,  // 10/Oct/2000:13:55:36 +0000
  kDuration,    // seconds, total
  kQueueTime,
  kConnectTime,
  kFirstByteTime,
  kHeader,                 // {header:NAME} of the request
  kResponseHeader,         // {response_header:NAME}
  kCookie,                 // {cookie:NAME}
  kUser,                   // who has proved to be that, by the route's access
  kClientCertSubject,      // RFC 2253, of a verified client certificate
  kClientCertFingerprint,  // SHA-256, in hexadecimal
};

/// Where a template is used; decides which variables it may name.
enum class TemplateUse : std::uint8_t { kRequest, kResponse, kLog };

struct TemplatePart {
  Variable variable;
  std::string text;  ///< the literal, or the argument of header:, response_header: and cookie:
};

class TextTemplate {
 public:
  TextTemplate() = default;
  /// "{name}" is a variable, "{{" and "}}" are braces. Errors: kConfig naming the bad variable, with did-you-mean.
  static Result<TextTemplate> parse(std::string_view text, TemplateUse use);
  const std::vector<TemplatePart>& parts() const noexcept { return parts_; }
  /// Turns {client} into {client/32/64}, for counting clients: one of IPv6 has many addresses.
  void narrow_clients();
  /// The whole text where there is no variable in it; decides fast paths.
  bool is_literal() const noexcept;
  std::string_view literal() const noexcept;

  /// Appends the text; `value_of(part, out)` appends the value of one variable.
  template <class ValueOf>
  void render(std::string& out, ValueOf&& value_of) const {
    for (const TemplatePart& part : parts_) {
      if (part.variable == Variable::kLiteral)
        out += part.text;
      else
        value_of(part, out);
    }
  }

 private:
  std::vector<TemplatePart> parts_;
};

}  // namespace rpx::policy
