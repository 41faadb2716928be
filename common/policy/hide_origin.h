// Takes the origin's traces out of a reply: telltale fields go, and links and cookies that name the origin
// name us. proxy/ calls it once per reply, before the route's header rules. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "http/forwarded.h"
#include "http/headers.h"

namespace rpx::policy {

/// By which names the servers of an upstream could give themselves away. Built with the site, per route.
class OriginNames {
 public:
  OriginNames() = default;
  /// `urls`: the servers ("http://10.0.0.11:8080"), and the fixed Host sent to them where one is configured. What is
  /// no http or https URL ("unix:…") names nothing and is left out. `stripped_prefix`: the route's strip_prefix, put
  /// back into links; may be empty.
  OriginNames(std::span<const std::string> urls, std::string_view stripped_prefix);

  /// Whether `host` (any case, no port) with `port` is one of the servers.
  bool owns(std::string_view host, std::uint16_t port) const noexcept;
  /// Whether a cookie for `domain` would be for a server: the name of one, or a domain above it.
  bool owns_domain(std::string_view domain) const noexcept;
  std::string_view stripped_prefix() const noexcept { return prefix_; }
  struct Name {
    std::string host;  ///< lower case
    std::uint16_t port;
  };
  const std::vector<Name>& names() const noexcept { return names_; }

 private:
  std::vector<Name> names_;
  std::string prefix_;  // "/v1", no slash at its end
};

/// Whether a field tells by its name alone: Server, X-Powered-By, Via, Alt-Svc and their kin (the table in the .cc).
bool is_telltale_field(std::string_view name) noexcept;
/// Whether an entity tag is made of a file's inode, size and time, as Apache made them: three hexadecimal numbers.
bool tells_inode(std::string_view etag) noexcept;

/// Changes the fields of a reply:
/// - Telltale fields, and entity tags with an inode, are removed.
/// - Location, Content-Location and Refresh that point at a server (same host and port) point at the client's
///   scheme and authority; their path, and one without a host, gets the stripped prefix back unless it has it already.
/// - So do addresses in Link, policies (CSP, CORS), reporting endpoints and source maps.
/// - Set-Cookie: a Domain that is a server's and not the client's is dropped, which leaves a cookie for this host
///   alone; a Path other than "/" gets the stripped prefix back ("/" reaches everything as it is, and __Host- cookies
///   demand it).
/// Rewritten values live in `arena`.
void hide_origin(http::Headers& headers, const OriginNames& origin, const http::ClientFacts& client, Arena& arena);

}  // namespace rpx::policy
