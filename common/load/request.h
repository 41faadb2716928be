// Request: what is asked for, ready to be written: its bytes where it is the same every time, templates where it is
// not. Built once, written by every connection. Immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "http/message.h"
#include "load/template.h"

namespace rpx::load {

/// A request as somebody described it. Every text may hold places of a template.
struct RequestText {
  std::string method = "GET";
  std::string authority;  ///< Host, unless `headers` have one
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  double weight = 1;
  std::size_t origin = 0;          ///< which of the run's origins
  Duration at = Duration::zero();  ///< for a replay: when, since its beginning
};

class Request {
 public:
  /// `close` asks the server to close after the reply. Errors: kUsage.
  static Result<Request> build(const RequestText& text, const Feed* feed, bool close);

  /// Appends it as HTTP/1.1 to `out`. `cookies` is the value of a Cookie field; empty for none.
  void write(std::string& out, const Fill& fill, std::string_view cookies) const;
  /// The same every time, unless cookies are kept.
  bool fixed() const noexcept { return fixed_; }
  bool uses_feed() const noexcept { return uses_feed_; }

  std::size_t origin() const noexcept { return origin_; }
  double weight() const noexcept { return weight_; }
  Duration at() const noexcept { return at_; }
  http::Method method() const noexcept { return method_; }
  /// What HTTP/2 sends: names in lower case, without Host and the fields of one connection.
  const std::string& method_name() const noexcept { return method_name_; }
  const std::string& authority() const noexcept { return authority_; }
  const Template& target() const noexcept { return target_; }
  const std::vector<std::pair<std::string, Template>>& headers() const noexcept { return headers_; }
  /// The same with names in lower case.
  const std::vector<std::pair<std::string, Template>>& lower_headers() const noexcept { return lower_headers_; }
  const Template& body() const noexcept { return body_; }
  bool has_body() const noexcept { return has_body_; }

 private:
  std::string bytes_;           // all of it, where it is fixed
  std::size_t fields_end_ = 0;  // where in bytes_ another field may stand
  std::string method_name_;
  std::string authority_;
  Template target_;
  std::vector<std::pair<std::string, Template>> headers_;
  std::vector<std::pair<std::string, Template>> lower_headers_;
  Template body_;
  double weight_ = 1;
  std::size_t origin_ = 0;
  Duration at_{};
  http::Method method_ = http::Method::kGet;
  bool has_body_ = false;
  bool close_ = false;
  bool fixed_ = false;
  bool uses_feed_ = false;
};

/// Chooses requests by their weights.
class Mix {
 public:
  explicit Mix(const std::vector<Request>& requests);
  const Request& pick(Random& random) const noexcept;

 private:
  const std::vector<Request>& requests_;
  std::vector<double> up_to_;  // running sums
};

}  // namespace rpx::load
