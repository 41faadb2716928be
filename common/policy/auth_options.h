// How clients of a route prove who they are, as plain values: basic_auth and forward_auth of [access.NAME]. config/
// fills them; policy/basic_auth and proxy/ compile and apply them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/units.h"

namespace rpx::policy {

/// Names and passwords (RFC 7617), checked against a file with `name:hash` lines.
struct BasicAuthOptions {
  std::string file;  ///< absolute
  std::string realm = "rpx";
  Duration remember = std::chrono::minutes(5);  ///< good credentials are not hashed again for so long; 0 = always are
  bool forward = true;                          ///< servers get the Authorization field
  bool operator==(const BasicAuthOptions&) const = default;
};

/// A server that is asked about each request: 2xx lets it on, anything else is what the client gets.
struct ForwardAuthOptions {
  std::string url;                            ///< "http://host:port/path", "https://…"; with `upstream` the path alone
  std::string upstream;                       ///< name of the UpstreamOptions that is asked; empty = that of `url`
  std::vector<std::string> request_headers;   ///< of the request, that it is shown; none = all
  std::vector<std::string> response_headers;  ///< of its answer, that the request goes on with
  std::string user;                           ///< header of its answer that names the user; empty = none
  Duration timeout = std::chrono::seconds(5);
};

/// "http://host:port" of a URL as above, "/path" with its query.
inline std::string auth_server_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  return scheme == std::string::npos ? std::string() : url.substr(0, url.find_first_of("/?", scheme + 3));
}
/// The name of the upstream that is asked.
inline std::string auth_upstream_of(const ForwardAuthOptions& options) {
  return options.upstream.empty() ? auth_server_of(options.url) : options.upstream;
}
/// What it is asked for.
inline std::string auth_path_of(const ForwardAuthOptions& options) {
  const std::string path = options.url.substr(auth_server_of(options.url).size());
  return path.starts_with('/') ? path : "/" + path;
}

}  // namespace rpx::policy
