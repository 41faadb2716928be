// Fields from texts, for tests. One thread.
#pragma once

#include <string_view>

#include "base/text.h"
#include "base/units.h"
#include "http/headers.h"

namespace rpx::cache {

/// From "Name: value|Other: value"; views into `text`.
inline http::Headers fields(std::string_view text) {
  http::Headers out;
  for (const std::string_view line : split(text, '|')) {
    const auto colon = line.find(':');
    if (colon != std::string_view::npos) out.add(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
  return out;
}

inline WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(784111777 + seconds)); }

}  // namespace rpx::cache
