#include "policy/redirect.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "policy/field_name.h"
#include "policy/text_template.h"
#include "policy/uri_text.h"

namespace rpx::policy {
namespace {

constexpr std::string_view kHowToStart =
    "a redirect goes to a URL, which starts with \"https://\", \"http://\" or \"{scheme}://\", or to a path, which "
    "starts with \"/\" or \"{path}\"";

bool is_scheme(std::string_view text) noexcept {
  return !text.empty() && to_lower(text.front()) >= 'a' && to_lower(text.front()) <= 'z' && is_token(text) &&
         text.find_first_of("!#$%&'*^_`|~") == std::string_view::npos;
}

bool is_path_variable(Variable variable) noexcept {
  return variable == Variable::kPath || variable == Variable::kTarget;
}

/// Where the host begins: the part it is in, and how much of that part's literal comes before it.
struct HostStart {
  std::size_t part = 0;
  std::size_t offset = 0;
  bool absolute = false;
};

Result<HostStart> find_host(const std::vector<TemplatePart>& parts) {
  if (parts.empty()) return self_error(ErrorKind::kConfig, "the redirect's \"to\" is empty");
  const TemplatePart& first = parts.front();
  if (is_path_variable(first.variable)) return HostStart{};
  if (first.variable == Variable::kScheme) {
    if (parts.size() > 1 && parts[1].text.starts_with("://") && parts[1].variable == Variable::kLiteral)
      return HostStart{1, 3, true};
    return self_error(ErrorKind::kConfig, std::string(kHowToStart));
  }
  if (first.variable != Variable::kLiteral) return self_error(ErrorKind::kConfig, std::string(kHowToStart));
  if (first.text.starts_with('/') && !first.text.starts_with("//")) return HostStart{};
  const std::size_t colon = first.text.find("://");
  if (colon == std::string::npos || !is_scheme(std::string_view(first.text).substr(0, colon)))
    return self_error(ErrorKind::kConfig, std::string(kHowToStart));
  return HostStart{0, colon + 3, true};
}

/// Whoever chooses the host of a redirect can send our visitors anywhere: that is the configuration, or the host they
/// are on.
Status check_host(const std::vector<TemplatePart>& parts, HostStart start) {
  bool named = false;
  for (std::size_t i = start.part; i < parts.size(); ++i) {
    const TemplatePart& part = parts[i];
    if (part.variable == Variable::kHost || part.variable == Variable::kAuthority) {
      named = true;
      continue;
    }
    if (is_path_variable(part.variable) || part.variable == Variable::kQuery) break;
    if (part.variable != Variable::kLiteral)
      return self_error(ErrorKind::kConfig, "only {host} and {authority} may stand in the host of a redirect");
    const std::string_view text = std::string_view(part.text).substr(i == start.part ? start.offset : 0);
    const std::size_t end = text.find_first_of("/?#\\");
    named |= end != 0 && !text.empty();
    if (end != std::string_view::npos) break;
  }
  if (!named) return self_error(ErrorKind::kConfig, "the redirect's URL names no host");
  return {};
}

/// Puts {query} where `to` has no query of its own: at the end, or before the fragment.
void add_query(std::vector<TemplatePart>& parts) {
  for (const TemplatePart& part : parts) {
    if (part.variable == Variable::kQuery || part.variable == Variable::kTarget) return;
    if (part.variable == Variable::kLiteral && part.text.find('?') != std::string::npos) return;
  }
  const auto with_fragment = std::ranges::find_if(parts, [](const TemplatePart& part) {
    return part.variable == Variable::kLiteral && part.text.find('#') != std::string::npos;
  });
  if (with_fragment == parts.end()) {
    parts.push_back({Variable::kQuery, {}});
    return;
  }
  const std::size_t hash = with_fragment->text.find('#');
  TemplatePart fragment{Variable::kLiteral, with_fragment->text.substr(hash)};
  with_fragment->text.resize(hash);
  const auto query = parts.insert(with_fragment + 1, {Variable::kQuery, {}});
  parts.insert(query + 1, std::move(fragment));
}

/// Letters that a host with a port may hold; anything else was not a host, and is left out.
void append_host(std::string& out, std::string_view text) {
  for (const char c : text) {
    const char low = to_lower(c);
    if ((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || std::string_view("-._:[]").find(c) != std::string::npos)
      out += c;
  }
}

}  // namespace

Result<Redirect> Redirect::compile(const RedirectOptions& options) {
  constexpr std::uint16_t kStatuses[] = {301, 302, 303, 307, 308};
  if (std::ranges::find(kStatuses, options.status) == std::end(kStatuses))
    return self_error(ErrorKind::kConfig,
                      fmt::format("{} is no redirect: 301, 302, 303, 307 and 308 are", options.status));
  if (has_control(options.to)) return self_error(ErrorKind::kConfig, "the redirect's \"to\" holds a control character");
  RPX_TRY(TextTemplate compiled, TextTemplate::parse(options.to, TemplateUse::kRequest));
  Redirect out;
  out.status_ = options.status;
  out.parts_ = compiled.parts();
  RPX_TRY(const HostStart start, find_host(out.parts_));
  out.absolute_ = start.absolute;
  if (start.absolute) RPX_TRY_VOID(check_host(out.parts_, start));
  add_query(out.parts_);
  for (TemplatePart& part : out.parts_) {
    if (part.variable != Variable::kLiteral) continue;
    std::string encoded;
    append_uri_text(encoded, part.text);
    part.text = std::move(encoded);
  }
  return out;
}

std::string_view Redirect::location(Arena& arena, const Values& values) const {
  thread_local std::string text;
  thread_local std::string value;
  text.clear();
  for (const TemplatePart& part : parts_) {
    if (part.variable == Variable::kLiteral) {
      text += part.text;
      continue;
    }
    value.clear();
    append_value(value, part, values);
    switch (part.variable) {
      case Variable::kHost:
      case Variable::kAuthority:
        if (value.empty()) return {};
        append_host(text, value);
        break;
      case Variable::kPath:
      case Variable::kTarget:
        // "*", the target of a server-wide OPTIONS, would otherwise lengthen the host before it.
        if (!value.starts_with('/')) text += '/';
        append_target_text(text, value);
        break;
      case Variable::kQuery: append_target_text(text, value); break;
      default: append_uri_data(text, value);
    }
  }
  if (absolute_) return arena.copy(text);
  // "//name" and "/\name" are read by browsers as another host's.
  const std::size_t rest = std::min(text.find_first_not_of("/\\"), text.size());
  return arena.join("/", std::string_view(text).substr(rest));
}

}  // namespace rpx::policy
