// The path as the origin shall see it: a prefix taken off, a pattern replaced. Pure; immutable, any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "policy/options.h"

namespace re2 {
class RE2;
}

namespace rpx::policy {

/// `path` without `prefix`, which must match whole segments: with "/v1" (or "/v1/"), "/v1/x" is "/x", "/v1" is "/",
/// "/v1//x" is "/x", and "/v10" stays as it is. A view of `path`, or of a constant.
std::string_view strip_prefix(std::string_view path, std::string_view prefix) noexcept;

/// Checks a pattern and its replacement. Errors: kConfig saying what is wrong.
Status check_rewrite(const RewriteOptions& options);

class Rewrite {
 public:
  static Result<Rewrite> compile(const RewriteOptions& options);

  /// `path` (canonical, without query) with the first match replaced; `path` itself where nothing matched, else in
  /// `arena` and canonical again: it starts with '/', bytes that a path may not hold are percent-encoded. Errors:
  /// kBadRequest of the client, when the result has a dot segment or a broken escape: only a request made up to leave
  /// the replaced part gets there.
  Result<std::string_view> apply(std::string_view path, Arena& arena) const;

 private:
  /// A literal, or the text of a group of the pattern.
  struct Piece {
    std::string text;
    int group = -1;
  };
  static Result<std::vector<Piece>> parse_replacement(std::string_view to, int groups);

  std::shared_ptr<const re2::RE2> pattern_;
  std::vector<Piece> pieces_;
};

}  // namespace rpx::policy
