// What routes may be told to do with requests and replies, as plain values. config/ fills them,
// the files beside this one compile them once and apply them per exchange.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace rpx::policy {

using NameValues = std::vector<std::pair<std::string, std::string>>;

/// Header changes in the order remove, set, add. Values are templates (policy/text_template.h).
struct HeaderRuleOptions {
  NameValues set;
  NameValues add;
  std::vector<std::string> remove;
  bool empty() const noexcept { return set.empty() && add.empty() && remove.empty(); }
};

/// Path rewrite: an RE2 pattern and a replacement with $1…$9 (also ${1}); query strings are untouched.
struct RewriteOptions {
  std::string from;
  std::string to;
};

struct RedirectOptions {
  std::string to;              ///< template; the request's query is appended when `to` has none
  std::uint16_t status = 308;  ///< 301, 302, 303, 307 or 308
};

struct RespondOptions {
  std::uint16_t status = 200;  ///< 200–599
  std::string body;
  NameValues headers;
};

/// Names of upstreams and how much each has of a route's clients, relative to the others; in the order given.
using SplitOptions = std::vector<std::pair<std::string, std::uint32_t>>;

/// Status ("502", or a class "5xx") to the file whose contents are sent instead of our own page.
using ErrorPageOptions = std::map<std::string, std::string>;

}  // namespace rpx::policy
