#include "proxy/path_pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "base/arena.h"
#include "base/result.h"
#include "base/text.h"
#include "http/h1_parse.h"

namespace rpx::proxy {
namespace {

std::unexpected<Error> bad_path(std::string_view text, std::string_view why) {
  return self_error(ErrorKind::kConfig, fmt::format("path \"{}\": {}", text, why));
}

/// Expressions that are found in every path; those alone are known to cover others.
bool finds_everything(std::string_view expression) noexcept {
  constexpr std::array<std::string_view, 6> kAll{"^", ".*", "^.*", ".*$", "^.*$", "$"};
  return std::ranges::find(kAll, expression) != kAll.end();
}

}  // namespace

Result<PathPattern> PathPattern::parse(std::string_view text) {
  PathPattern out;
  if (text.starts_with('~')) {
    out.kind_ = Kind::kRegex;
    out.text_ = trim(text.substr(1));
    if (out.text_.empty()) return bad_path(text, "\"~\" is followed by a regular expression");
    re2::RE2::Options settings(re2::RE2::Latin1);
    settings.set_log_errors(false);
    auto regex = std::make_shared<const re2::RE2>(out.text_, settings);
    if (!regex->ok()) return bad_path(text, regex->error());
    out.regex_ = std::move(regex);
    return out;
  }
  if (!text.starts_with('/')) return bad_path(text, "a path starts with \"/\", a regular expression with \"~\"");
  if (text.find_first_of("?#") != std::string_view::npos) return bad_path(text, "a path has no query and no fragment");
  const bool prefix = text.ends_with("/*");
  const std::string_view plain = prefix ? text.substr(0, text.size() - 1) : text;
  if (plain.find('*') != std::string_view::npos)
    return bad_path(text,
                    "\"*\" stands at the end, after a \"/\"; for other patterns write a regular expression, \"~ …\"");
  // Requests are matched in canonical form, so a pattern in any other form would never match.
  Arena arena;
  const auto canonical = http::canonical_path(plain, arena);
  if (!canonical) return bad_path(text, canonical.error().detail);
  out.kind_ = prefix ? Kind::kPrefix : Kind::kExact;
  out.text_ = *canonical;
  if (prefix) out.text_.pop_back();
  return out;
}

bool PathPattern::matches(std::string_view path) const noexcept {
  switch (kind_) {
    case Kind::kExact: return path == text_;
    case Kind::kPrefix:
      return text_.empty() || (path.starts_with(text_) && (path.size() == text_.size() || path[text_.size()] == '/'));
    case Kind::kRegex: return re2::RE2::PartialMatch({path.data(), path.size()}, *regex_);
  }
  return false;
}

bool PathPattern::covers_all() const noexcept {
  return kind_ == Kind::kRegex ? finds_everything(text_) : kind_ == Kind::kPrefix && text_.empty();
}

}  // namespace rpx::proxy
