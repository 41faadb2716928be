// What the tests of the HTTP/1 parser share: a head parsed whole and split at every byte.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "base/arena.h"
#include "http/h1_parse.h"

namespace rpx::http::test {

/// A request head and everything its views point into.
struct ParsedRequest {
  std::string bytes;
  Arena arena;
  RequestHead head;
  Result<std::size_t> result{0};

  explicit ParsedRequest(std::string_view text, const Limits& limits = {}) : bytes(text) {
    result = parse_request_head(bytes, limits, arena, head);
  }
  bool refused() const { return !result.has_value(); }
  ErrorKind kind() const { return result.error().kind; }
};

struct ParsedResponse {
  std::string bytes;
  ResponseHead head;
  Result<std::size_t> result{0};

  explicit ParsedResponse(std::string_view text, Method method = Method::kGet, const Limits& limits = {})
      : bytes(text) {
    result = parse_response_head(bytes, limits, method, head);
  }
  bool refused() const { return !result.has_value(); }
  ErrorKind kind() const { return result.error().kind; }
};

/// A GET with these further field lines, each with its CRLF.
inline std::string get(std::string_view fields) {
  return "GET /x HTTP/1.1\r\nHost: a.test\r\n" + std::string(fields) + "\r\n";
}
inline std::string post(std::string_view fields) {
  return "POST /x HTTP/1.1\r\nHost: a.test\r\n" + std::string(fields) + "\r\n";
}
/// A GET of this target.
inline std::string get_target(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a.test\r\n\r\n";
}
/// A GET with this Host value.
inline std::string get_host(std::string_view host) {
  return "GET /x HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
}
inline std::string ok(std::string_view fields) { return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n"; }

}  // namespace rpx::http::test
