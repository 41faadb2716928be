// Header changes of a route, compiled: remove, then set, then add. Built with the site, applied by proxy/
// to the outgoing head of a request or a reply. Immutable, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "http/headers.h"
#include "policy/options.h"
#include "policy/text_template.h"
#include "policy/values.h"

namespace rpx::policy {

class HeaderRules {
 public:
  HeaderRules() = default;
  /// Compiles `options`; `use` is kRequest or kResponse. Errors: kConfig, when a name is not a token (RFC 9110 section
  /// 5.6.2) or is a field of the connection or its framing, when a literal holds control characters, or when a template
  /// is wrong. Host may be set on requests, but neither removed nor added a second time.
  static Result<HeaderRules> compile(const HeaderRuleOptions& options, TemplateUse use);

  bool empty() const noexcept { return removed_.empty() && written_.empty(); }
  /// Whether some value has a variable in it; when not, `values` is not looked at.
  bool needs_values() const noexcept { return needs_values_; }
  /// Changes `headers`. Names and literal values are views into this object, rendered values live in `arena`. A value
  /// that renders empty is not written (a set still removes). Control characters in rendered values become spaces.
  void apply(http::Headers& headers, Arena& arena, const Values& values) const;

 private:
  struct Name {
    std::string text;
    http::FieldId id;
  };
  struct Write {
    Name name;
    TextTemplate value;
    bool replace;
  };
  std::vector<Name> removed_;
  std::vector<Write> written_;
  bool needs_values_ = false;
};

}  // namespace rpx::policy
