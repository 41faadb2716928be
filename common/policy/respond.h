// A fixed reply of a route. Built with the site, sent by proxy/respond. Immutable, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "policy/header_rules.h"
#include "policy/options.h"

namespace rpx::policy {

class FixedReply {
 public:
  /// Errors: kConfig for a status outside 200–599, a body over 1 MiB, a body with 204, 205 or 304, or bad header
  /// fields. A body without a Content-Type gets "text/plain; charset=utf-8".
  static Result<FixedReply> compile(const RespondOptions& options);

  std::uint16_t status() const noexcept { return status_; }
  std::string_view body() const noexcept { return body_; }
  /// To be applied to the reply's (empty) headers. Content-Length is the sender's business.
  const HeaderRules& headers() const noexcept { return headers_; }

 private:
  std::uint16_t status_ = 200;
  std::string body_;
  HeaderRules headers_;
};

}  // namespace rpx::policy
