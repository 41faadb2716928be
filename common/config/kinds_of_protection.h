// The types of values of [blocklist] and the other tables that keep clients out. Constant data, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/key.h"

namespace rpx::config {

extern const Kind<std::vector<std::string>> kPaths;  // made absolute
extern const Kind<std::vector<std::uint16_t>> kStatuses;
extern const Kind<std::uint16_t> kBlockAction;  // "close", or a status

}  // namespace rpx::config
