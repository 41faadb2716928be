// Heads of requests and responses as parsed, once, from the wire. Views live as long as the buffer
// and the Arena they were parsed with. One thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/headers.h"

namespace rpx::http {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kPatch, kConnect, kTrace, kOther };

/// The method called `name`; case-sensitive (RFC 9110 section 9.1).
Method method_of(std::string_view name) noexcept;
/// RFC 9110 section 9.2.2.
bool is_idempotent(Method method) noexcept;

/// How the end of a body is known (RFC 9112 section 6.3).
enum class Framing : std::uint8_t { kNone, kLength, kChunked, kClose };

/// The one canonical form of what a request asks for; routing, access, cache key and the bytes sent on
/// all come from it.
struct Target {
  std::string_view host;  ///< lower case, no port, no trailing dot, IPv6 in brackets; empty when HTTP/1.0 named none
  std::string_view authority;  ///< host with the port the client gave: what Host and X-Forwarded-Host carry
  std::uint16_t port = 0;      ///< 0 when none was given
  std::string_view path;  ///< starts with '/', dot segments resolved, unreserved bytes decoded, hex in capitals; or "*"
  /// The path as the most lenient server would read it (see http::lax_path), mostly `path` itself. Where it differs,
  /// it has to lead to the same route as `path`, or the request is refused.
  std::string_view lax_path;
  std::string_view query;  ///< with its '?', or empty; bytes untouched
};

struct RequestHead {
  Method method = Method::kGet;
  std::string_view method_name;
  std::string_view raw_target;  ///< as received, for the log
  Target target;
  std::uint8_t minor_version = 1;  ///< 0 or 1: HTTP/1.0 or 1.1
  Framing framing = Framing::kNone;
  std::uint64_t content_length = 0;  ///< meaningful with kLength
  bool keep_alive = true;            ///< the client lets the connection go on (RFC 9112 section 9.3)
  bool expects_continue = false;     ///< Expect: 100-continue from an HTTP/1.1 client that has a body to send
  bool wants_upgrade = false;  ///< Connection: upgrade with an Upgrade field, HTTP/1.1, no body; never to HTTP or TLS
  Headers headers;

  void clear() noexcept;
};

struct ResponseHead {
  std::uint16_t status = 0;  ///< 100–999
  std::string_view reason;   ///< may be empty
  std::uint8_t minor_version = 1;
  Framing framing = Framing::kNone;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  Headers headers;

  void clear() noexcept;
  /// As clear(), without the memory.
  void release() noexcept;
};

/// "OK" for 200; "Unknown" where RFC 9110 has no name for it.
std::string_view reason_phrase(std::uint16_t status) noexcept;

}  // namespace rpx::http
