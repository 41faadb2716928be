// [blocklist] as plain values. config/ fills them, policy/blocklist.h uses them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"

namespace rpx::policy {

struct BlocklistOptions {
  std::vector<std::string> files;  ///< absolute paths; what is added goes into the first; none = there is no blocklist
  std::uint16_t status = 0;        ///< 400–599: what the blocked are answered; 0 = their connections are closed
  std::vector<IpPrefix> allow;     ///< never blocked, whatever the files say
};

}  // namespace rpx::policy
