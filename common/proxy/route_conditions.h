// What a route asks of a request beside host and path: its method and its header fields. Used by
// proxy/router alone. Immutable, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/message.h"
#include "policy/options.h"

namespace rpx::proxy {

class RouteConditions {
 public:
  /// `methods`: none = all; GET takes HEAD along. `headers`: each must be there with this value, "*" = with any.
  /// Errors: kConfig for what is no method or field name.
  static Result<RouteConditions> compile(const std::vector<std::string>& methods, const policy::NameValues& headers);

  bool matches(const http::RequestHead& head) const noexcept {
    return (all_methods_ || takes_method(head)) && (headers_.empty() || takes_headers(head));
  }
  bool takes_headers(const http::RequestHead& head) const noexcept;
  /// Whether all that `other` lets through is let through here too.
  bool covers(const RouteConditions& other) const noexcept;
  /// How specific they are: one for methods, one for each header.
  std::size_t count() const noexcept { return headers_.size() + (all_methods_ ? 0 : 1); }
  /// The methods, HEAD after GET; empty when all are taken.
  const std::vector<std::string>& methods() const noexcept { return methods_; }

 private:
  struct HeaderTest {
    std::string name;
    std::string value;
    http::FieldId id;
    bool any_value;
  };
  bool takes_method(const http::RequestHead& head) const noexcept;

  bool all_methods_ = true;
  std::uint32_t known_methods_ = 0;  // a bit for each http::Method but kOther
  std::vector<std::string> methods_;
  std::vector<HeaderTest> headers_;
};

}  // namespace rpx::proxy
