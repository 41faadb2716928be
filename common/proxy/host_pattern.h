// What a route asks of a host: any, one name or address, or everything below a name. Used by proxy/router
// alone, which has the public check. Plain values.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace rpx::proxy {

struct HostPattern {
  enum class Kind : std::uint8_t { kExact, kWildcard, kAny };  // the more specific first

  Kind kind = Kind::kAny;
  std::string text;  ///< as in http::Target::host; of a wildcard the suffix with its dot: ".example.com"

  /// Errors: kConfig.
  static Result<HostPattern> parse(std::string_view text);
  auto operator<=>(const HostPattern&) const = default;
};

}  // namespace rpx::proxy
