#include "policy/access.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"

namespace rpx::policy {
namespace {

constexpr std::string_view kAll = "all";

bool is_path(std::string_view path, std::string_view pattern, bool prefix) noexcept {
  if (!prefix) return path == pattern;
  return path.starts_with(pattern) && (path.size() == pattern.size() || path[pattern.size()] == '/');
}

bool has_header(const http::Headers& headers, std::string_view name, std::string_view value) noexcept {
  return std::ranges::any_of(headers, [name, value](const http::Field& field) {
    return iequals(field.name, name) && (value == "*" || field.value == value);
  });
}

}  // namespace

Result<Access> Access::compile(const AccessOptions& options) {
  Access out;
  out.methods_ = options.methods;
  for (const std::string& method : options.methods)
    out.methods_text_ += (out.methods_text_.empty() ? "" : ", ") + method;
  for (const AccessRuleOptions& from : options.rules) {
    Rule rule;
    rule.allow = !from.allow.empty();
    std::vector<IpPrefix> prefixes;
    for (const std::string& text : rule.allow ? from.allow : from.deny) {
      if (text == kAll) {
        rule.all = true;
        continue;
      }
      const auto prefix = IpPrefix::parse(text);
      if (!prefix) return self_error(ErrorKind::kConfig, fmt::format("\"{}\" is no address or prefix", text));
      prefixes.push_back(*prefix);
    }
    rule.addresses = IpSet::build(std::move(prefixes));
    rule.methods = from.methods;
    rule.prefix = from.path.ends_with("/*");
    rule.path = rule.prefix ? from.path.substr(0, from.path.size() - 2) : from.path;
    // "/*" is every path.
    if (rule.path.empty()) rule.prefix = false;
    rule.header = from.header;
    rule.certificate = from.certificate;
    out.rules_.push_back(std::move(rule));
  }
  return out;
}

bool Access::allows_method(const http::RequestHead& request) const noexcept {
  return methods_.empty() || std::ranges::find(methods_, request.method_name) != methods_.end();
}

bool Access::matches(const Rule& rule, const AccessQuestion& question) noexcept {
  const http::RequestHead& request = question.request;
  if (!rule.all && !(question.has_address && rule.addresses.contains(question.client))) return false;
  if (!rule.methods.empty() && std::ranges::find(rule.methods, request.method_name) == rule.methods.end()) return false;
  if (!rule.path.empty()) {
    // A path that servers read in more than one way is denied by either reading, and allowed only by both.
    const bool strict = is_path(request.target.path, rule.path, rule.prefix);
    const bool lax = is_path(request.target.lax_path, rule.path, rule.prefix);
    if (rule.allow ? !(strict && lax) : !(strict || lax)) return false;
  }
  for (const auto& [name, value] : rule.header)
    if (!has_header(request.headers, name, value)) return false;
  if (rule.certificate.empty()) return true;
  if (question.certificate_fingerprint.empty()) return false;
  return rule.certificate == "*" || rule.certificate == question.certificate_subject ||
         iequals(rule.certificate, question.certificate_fingerprint);
}

bool Access::allows(const AccessQuestion& question) const noexcept {
  for (const Rule& rule : rules_)
    if (matches(rule, question)) return rule.allow;
  return rules_.empty();
}

}  // namespace rpx::policy
