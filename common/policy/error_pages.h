// Bodies of error replies: a route's own files, read when the site is built, or our small built-in page.
// Immutable, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "policy/options.h"

namespace rpx::policy {

struct ErrorPage {
  std::string_view content_type;
  std::string_view body;
};

/// No error page may be larger than this.
inline constexpr std::size_t kMaxErrorPage = 1024 * 1024;

class ErrorPages {
 public:
  ErrorPages() = default;
  /// Reads every file. Errors: kConfig for a key that is neither a status 400–599 nor "4xx" or "5xx", a file that
  /// cannot be read, or one over 1 MiB.
  static Result<ErrorPages> load(const ErrorPageOptions& options);

  bool empty() const noexcept { return pages_.empty(); }
  /// The page for `status`, else that of its class, else one with an empty content_type. Views live as long as this
  /// object.
  ErrorPage find(std::uint16_t status) const noexcept;

 private:
  struct Stored {
    std::string_view content_type;
    std::string body;
  };
  std::map<std::uint16_t, Stored> pages_;  // a class is kept under its digit: 4, 5
};

struct BuiltInPage {
  std::string_view content_type;
  std::string body;
};

/// Our own page: status, reason phrase and request id, nothing else. HTML, JSON or plain text, whichever `accept` (the
/// value of the Accept field, RFC 9110 section 12.5.1) likes best; plain text when it does not say.
BuiltInPage built_in_page(std::uint16_t status, std::string_view accept, std::string_view request_id);

}  // namespace rpx::policy
