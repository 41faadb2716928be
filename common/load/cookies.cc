#include "load/cookies.h"

#include <algorithm>

#include "base/text.h"

namespace rpx::load {
namespace {

// Max-Age=0 (or less) among the attributes: the server takes the cookie back.
bool is_over(std::string_view attributes) noexcept {
  for (const std::string_view attribute : split(attributes, ';')) {
    const std::string_view text = trim(attribute);
    if (text.size() < 9 || !iequals(text.substr(0, 8), "max-age=")) continue;
    return text[8] == '-' || text.substr(8).find_first_not_of('0') == std::string_view::npos;
  }
  return false;
}

}  // namespace

void Cookies::take(std::string_view set_cookie) {
  const std::size_t end = set_cookie.find(';');
  const std::string_view pair = trim(set_cookie.substr(0, end));
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos || equals == 0) return;
  const std::string_view name = trim(pair.substr(0, equals));
  std::erase_if(cookies_, [name](const auto& cookie) { return cookie.first == name; });
  if (end == std::string_view::npos || !is_over(set_cookie.substr(end + 1)))
    cookies_.emplace_back(name, trim(pair.substr(equals + 1)));
  field_.clear();
  for (const auto& [key, value] : cookies_) {
    if (!field_.empty()) field_ += "; ";
    field_.append(key).append("=").append(value);
  }
}

}  // namespace rpx::load
