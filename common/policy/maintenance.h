// What a route answers while it is being worked on: [route.maintenance]. Plain values, and the page as it was read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/units.h"
#include "policy/error_pages.h"

namespace rpx::policy {

struct MaintenanceOptions {
  bool enabled = false;
  std::uint16_t status = 503;                      ///< 400–599
  std::string page;                                ///< file, absolute; empty = the page there is for the status
  Duration retry_after = std::chrono::minutes(5);  ///< told in whole seconds; 0 = nothing is told
  std::vector<IpPrefix> allow;                     ///< clients that get through
};

struct Maintenance {
  std::uint16_t status = 503;
  std::string retry_after;  ///< seconds as text; empty = none
  std::vector<IpPrefix> allow;
  ErrorPages pages;
};

}  // namespace rpx::policy
