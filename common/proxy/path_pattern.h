// What a route asks of a path: exact, prefix or regular expression. Used by proxy/router alone, which has
// the public checks. Immutable, any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace re2 {
class RE2;
}

namespace rpx::proxy {

class PathPattern {
 public:
  enum class Kind : std::uint8_t { kExact, kRegex, kPrefix };  // the more specific first

  static Result<PathPattern> parse(std::string_view text);

  /// Whether `path` (canonical) matches. The prefix "/a/*" matches "/a", "/a/" and what is below; a regex matches the
  /// whole path.
  bool matches(std::string_view path) const noexcept;
  /// Whether every path matches. Sound, not complete: false when a regex is not one of a few plain ones.
  bool covers_all() const noexcept;

  Kind kind() const noexcept { return kind_; }
  /// The path of an exact pattern, the prefix without its slash ("/a" of "/a/*", "" of "/*"), or the expression.
  std::string_view text() const noexcept { return text_; }

 private:
  Kind kind_ = Kind::kPrefix;
  std::string text_;
  std::shared_ptr<const re2::RE2> regex_;
};

}  // namespace rpx::proxy
