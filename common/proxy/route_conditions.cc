#include "proxy/route_conditions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "policy/field_name.h"

namespace rpx::proxy {
namespace {

std::uint32_t bit_of(http::Method method) noexcept { return std::uint32_t{1} << static_cast<unsigned>(method); }

}  // namespace

Result<RouteConditions> RouteConditions::compile(const std::vector<std::string>& methods,
                                                 const policy::NameValues& headers) {
  RouteConditions out;
  out.all_methods_ = methods.empty();
  const auto add_method = [&out](const std::string& name) {
    if (std::ranges::find(out.methods_, name) == out.methods_.end()) out.methods_.push_back(name);
    const http::Method method = http::method_of(name);
    if (method != http::Method::kOther) out.known_methods_ |= bit_of(method);
  };
  for (const std::string& name : methods) {
    if (!policy::is_token(name)) return self_error(ErrorKind::kConfig, fmt::format("\"{}\" is not a method", name));
    add_method(name);
    if (name == "GET") add_method("HEAD");
  }
  for (const auto& [name, value] : headers) {
    if (!policy::is_token(name)) return self_error(ErrorKind::kConfig, fmt::format("\"{}\" is not a field name", name));
    out.headers_.push_back({name, value, http::field_id(name), value == "*"});
  }
  return out;
}

bool RouteConditions::takes_method(const http::RequestHead& head) const noexcept {
  if (head.method != http::Method::kOther) return (known_methods_ & bit_of(head.method)) != 0;
  return std::ranges::any_of(methods_, [&](const std::string& name) { return name == head.method_name; });
}

bool RouteConditions::takes_headers(const http::RequestHead& head) const noexcept {
  return std::ranges::all_of(headers_, [&](const HeaderTest& test) {
    return std::ranges::any_of(head.headers, [&](const http::Field& field) {
      if (field.id != test.id || (test.id == http::FieldId::kOther && !iequals(field.name, test.name))) return false;
      return test.any_value || field.value == test.value;
    });
  });
}

bool RouteConditions::covers(const RouteConditions& other) const noexcept {
  if (!all_methods_) {
    if (other.all_methods_) return false;
    for (const std::string& name : other.methods_)
      if (std::ranges::find(methods_, name) == methods_.end()) return false;
  }
  return std::ranges::all_of(headers_, [&](const HeaderTest& mine) {
    return std::ranges::any_of(other.headers_, [&](const HeaderTest& theirs) {
      return iequals(mine.name, theirs.name) && (mine.any_value || (!theirs.any_value && mine.value == theirs.value));
    });
  });
}

}  // namespace rpx::proxy
