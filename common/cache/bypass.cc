#include "cache/bypass.h"

#include <algorithm>

#include "base/text.h"

namespace rpx::cache {
namespace {

bool is_at(std::string_view path, std::string_view pattern) noexcept {
  if (!pattern.ends_with("/*")) return path == pattern;
  pattern.remove_suffix(2);
  return path.starts_with(pattern) && (path.size() == pattern.size() || path[pattern.size()] == '/');
}

bool has_header(const http::Headers& headers, std::string_view name, std::string_view value) noexcept {
  return std::ranges::any_of(headers, [&](const http::Field& field) {
    return field.name.size() == name.size() && iequals(field.name, name) && (value == "*" || field.value == value);
  });
}

// Whether `list`, pairs name=value with `between` in between, has a name that `pattern` is of.
bool has_name(std::string_view list, char between, std::string_view pattern) {
  return std::ranges::any_of(split(list, between), [pattern](std::string_view pair) {
    const std::string_view name = trim(pair.substr(0, pair.find('=')));
    return !name.empty() && glob_match(pattern, name);
  });
}

bool is_about(const BypassOptions& rule, const http::RequestHead& request) {
  if (!rule.path.empty() && !is_at(request.target.path, rule.path)) return false;
  for (const auto& [name, value] : rule.header)
    if (!has_header(request.headers, name, value)) return false;
  if (!rule.cookie.empty() && std::ranges::none_of(request.headers, [&](const http::Field& field) {
        return field.id == http::FieldId::kCookie && has_name(field.value, ';', rule.cookie);
      }))
    return false;
  const std::string_view query = request.target.query;
  return rule.query.empty() || (query.size() > 1 && has_name(query.substr(1), '&', rule.query));
}

}  // namespace

bool is_bypassed(const std::vector<BypassOptions>& rules, const http::RequestHead& request) {
  return std::ranges::any_of(rules, [&request](const BypassOptions& rule) { return is_about(rule, request); });
}

}  // namespace rpx::cache
