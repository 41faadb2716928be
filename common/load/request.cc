#include "load/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "http/chars.h"

namespace rpx::load {
namespace {

Error bad_request(std::string detail) { return {ErrorKind::kUsage, Side::kSelf, std::move(detail)}; }

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return http::look_up(http::kToken, c) != 0; });
}

bool is_line(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return http::look_up(http::kFieldText, c) != 0; });
}

Status check_text(const RequestText& text) {
  if (!is_token(text.method)) return std::unexpected(bad_request(fmt::format("no method: \"{}\"", text.method)));
  for (const auto& [name, value] : text.headers)
    if (!is_token(name) || !is_line(value))
      return std::unexpected(bad_request(fmt::format("no header field: \"{}: {}\"", name, value.substr(0, 60))));
  return {};
}

}  // namespace

Result<Request> Request::build(const RequestText& text, const Feed* feed, bool close) {
  RPX_TRY_VOID(check_text(text));
  Request out;
  out.method_name_ = text.method;
  out.method_ = http::method_of(text.method);
  out.authority_ = text.authority;
  out.weight_ = text.weight;
  out.origin_ = text.origin;
  out.at_ = text.at;
  out.close_ = close;
  RPX_TRY(out.target_, Template::parse(text.target, feed));
  RPX_TRY(out.body_, Template::parse(text.body, feed));
  out.has_body_ = !text.body.empty() || text.method == "POST" || text.method == "PUT" || text.method == "PATCH";
  bool agent = false;
  for (const auto& [name, value] : text.headers) {
    if (iequals(name, "host")) {
      out.authority_ = value;
      continue;
    }
    if (iequals(name, "content-length") || iequals(name, "transfer-encoding") || iequals(name, "connection"))
      return std::unexpected(bad_request(fmt::format("{} is set by rpx-bench itself", name)));
    agent = agent || iequals(name, "user-agent");
    RPX_TRY(Template value_text, Template::parse(value, feed));
    out.headers_.emplace_back(name, std::move(value_text));
  }
  if (!agent) {
    RPX_TRY(Template name, Template::parse("rpx-bench/" RPX_VERSION, nullptr));
    out.headers_.emplace_back("User-Agent", std::move(name));
  }
  for (const auto& [name, value] : out.headers_) out.lower_headers_.emplace_back(lower(name), value);
  const auto varies = [](const auto& field) { return !field.second.fixed(); };
  out.uses_feed_ = out.target_.uses_feed() || out.body_.uses_feed() ||
                   std::ranges::any_of(out.headers_, [](const auto& field) { return field.second.uses_feed(); });
  const bool fixed = out.target_.fixed() && out.body_.fixed() && std::ranges::none_of(out.headers_, varies);
  if (fixed) {
    std::string bytes;
    out.write(bytes, {}, {});
    out.bytes_ = std::move(bytes);
    out.fields_end_ = out.bytes_.find("\r\n\r\n") + 2;
    out.fixed_ = true;
  }
  return out;
}

void Request::write(std::string& out, const Fill& fill, std::string_view cookies) const {
  if (fixed_ && cookies.empty()) {
    out += bytes_;
    return;
  }
  if (fixed_) {
    out.append(bytes_, 0, fields_end_).append("Cookie: ").append(cookies).append("\r\n").append(bytes_, fields_end_);
    return;
  }
  out.append(method_name_) += ' ';
  target_.render(out, fill);
  out.append(" HTTP/1.1\r\nHost: ").append(authority_).append("\r\n");
  for (const auto& [name, value] : headers_) {
    out.append(name).append(": ");
    value.render(out, fill);
    out += "\r\n";
  }
  if (!cookies.empty()) out.append("Cookie: ").append(cookies).append("\r\n");
  if (close_) out += "Connection: close\r\n";
  if (!has_body_) {
    out += "\r\n";
    return;
  }
  static thread_local std::string body;
  body.clear();
  body_.render(body, fill);
  fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n\r\n", body.size());
  out += body;
}

Mix::Mix(const std::vector<Request>& requests) : requests_(requests) {
  double sum = 0;
  for (const Request& request : requests) up_to_.push_back(sum += request.weight());
}

const Request& Mix::pick(Random& random) const noexcept {
  if (up_to_.size() == 1) return requests_.front();
  const double at = random.unit() * up_to_.back();
  const auto found = std::ranges::upper_bound(up_to_, at);
  return requests_[std::min(static_cast<std::size_t>(found - up_to_.begin()), requests_.size() - 1)];
}

}  // namespace rpx::load
