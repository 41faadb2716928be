// One HTTPS request at a time, for the rare calls to certificate authorities. Blocks; for tools and threads of their
// own.
#pragma once

#include <map>
#include <string>

#include "base/error.h"
#include "base/units.h"

namespace rpx::pki {

struct WebRequest {
  std::string method;
  std::string url;           ///< "https://host[:port]/path"
  std::string content_type;  ///< of the body; empty = none is sent
  std::string accept;
  std::string body;
};

struct WebReply {
  int status = 0;
  std::map<std::string, std::string> fields;  ///< names in lower case; the last of several
  std::string body;
  std::string field(const std::string& name) const {
    const auto at = fields.find(name);
    return at == fields.end() ? std::string() : at->second;
  }
};

/// `ca` (PEM, may be empty) is trusted beside the system's authorities. Follows no redirect; a reply has at most 4 MiB.
/// Errors: kUsage for another URL, kUnresolved, kConnectRefused, kConnectTimeout, kConnectFailed, kTlsProtocol,
/// kTlsCertificate, kBadResponse.
Result<WebReply> ask_https(const WebRequest& request, const std::string& ca, Instant deadline);

/// The same in the clear, for "http://…": to responders, whose answers are signed. Errors: as above.
Result<WebReply> ask_http(const WebRequest& request, Instant deadline);

/// Takes a whole reply apart, as it came up to the end of the connection; that to HEAD has no body. Errors:
/// kBadResponse.
Result<WebReply> parse_web_reply(std::string_view bytes, bool has_body = true);

}  // namespace rpx::pki
