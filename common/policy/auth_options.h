// How clients of a route prove who they are, as plain values: basic_auth, forward_auth and jwt of [access.NAME].
// config/ fills them; policy/basic_auth, policy/jwt_auth and proxy/ compile and apply them.
#pragma once

#include <chrono>
#include <string>
#include <utility>
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

/// Signed tokens (RFC 7519), checked against a set of keys (RFC 7517).
struct JwtOptions {
  std::string file;                                          ///< absolute; of the keys
  std::string url;                                           ///< of the keys, instead; with `upstream` the path alone
  std::string upstream;                                      ///< name of the UpstreamOptions that has them
  std::vector<std::string> algorithms;                       ///< the only ones; none = whatever fits the key
  std::vector<std::string> issuer;                           ///< one of these; none = any
  std::vector<std::string> audience;                         ///< the token is for one of these; none = any
  std::vector<std::pair<std::string, std::string>> claims;   ///< that it must have; "*" = any value
  Duration leeway = std::chrono::seconds(30);                ///< for clocks that differ
  bool expires = true;                                       ///< a token without exp is refused
  std::string cookie;                                        ///< where it is too; empty = in Authorization alone
  std::string user = "sub";                                  ///< the claim that names the user
  std::vector<std::pair<std::string, std::string>> headers;  ///< name of a field for servers, and the claim it has
  std::string realm = "rpx";
  bool forward = true;                              ///< servers get the token
  Duration remember = std::chrono::minutes(5);      ///< a good token is not verified again for so long; 0 = always is
  Duration refresh = std::chrono::minutes(10);      ///< keys of `url` are fetched again after so long,
  Duration unknown_key = std::chrono::seconds(10);  ///< and for a key they do not have, at most so often
  Duration timeout = std::chrono::seconds(5);       ///< for fetching them
  bool operator==(const JwtOptions&) const = default;
};

/// "http://host:port" of a URL as above, "/path" with its query.
inline std::string auth_server_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  return scheme == std::string::npos ? std::string() : url.substr(0, url.find_first_of("/?", scheme + 3));
}
/// The name of the upstream that is asked, and what it is asked for.
inline std::string auth_upstream_of(const std::string& url, const std::string& upstream) {
  return upstream.empty() ? auth_server_of(url) : upstream;
}
inline std::string auth_path_of(const std::string& url) {
  const std::string path = url.substr(auth_server_of(url).size());
  return path.starts_with('/') ? path : "/" + path;
}

}  // namespace rpx::policy
