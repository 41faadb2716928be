// Cache-Control and its kin as values: what requests and replies say of caching. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "http/headers.h"

namespace rpx::cache {

/// No span that is told is longer (RFC 9111 section 1.2.2).
inline constexpr Duration kLongest = std::chrono::seconds(2147483648LL);

/// RFC 9111 section 5.2. Spans that cannot be read are zero: stale is the safe side.
struct Directives {
  bool present = false;
  bool no_store = false;
  bool no_cache = false;    ///< without field names
  bool is_private = false;  ///< without field names
  bool is_public = false;
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool must_understand = false;
  bool only_if_cached = false;
  std::optional<Duration> max_age;
  std::optional<Duration> s_maxage;
  std::optional<Duration> min_fresh;
  std::optional<Duration> max_stale;  ///< kLongest where it has no value
  std::optional<Duration> stale_while_revalidate;
  std::optional<Duration> stale_if_error;
  std::vector<std::string> no_cache_fields;  ///< lower case
  std::vector<std::string> private_fields;   ///< lower case
};

/// What all Cache-Control fields of `headers` say together.
Directives parse_cache_control(const http::Headers& headers);

/// RFC 9213: CDN-Cache-Control, when it is there and a valid dictionary that is not empty. It then stands in place of
/// Cache-Control and Expires.
std::optional<Directives> parse_targeted(const http::Headers& headers);

/// delta-seconds (RFC 9111 section 1.2.2): digits only; too many of them are kLongest.
std::optional<Duration> parse_delta(std::string_view text) noexcept;

}  // namespace rpx::cache
