// The cookies that one connection of a run has been given, sent back with each of its requests: name and value alone,
// which is enough for who talks to one server all the time (RFC 6265 without paths, domains and dates). One thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rpx::load {

class Cookies {
 public:
  /// Takes the value of a Set-Cookie field in; one that is no cookie is left out, one with Max-Age=0 is forgotten.
  void take(std::string_view set_cookie);
  /// The value for a Cookie field; empty where there are none.
  const std::string& field() const noexcept { return field_; }

 private:
  std::vector<std::pair<std::string, std::string>> cookies_;
  std::string field_;
};

}  // namespace rpx::load
