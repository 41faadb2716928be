// What a route answers while it is being worked on: [route.maintenance]. Plain values, and the page as it was read.
#pragma once

#include <atomic>
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

/// Whether it is on: as the configuration has it, until somebody says otherwise while the proxy runs. Any thread.
class MaintenanceSwitch {
 public:
  explicit MaintenanceSwitch(bool configured) noexcept : configured_(configured), on_(configured) {}
  bool configured() const noexcept { return configured_; }
  bool on() const noexcept { return on_.load(std::memory_order_relaxed); }
  void turn(bool on) noexcept { on_.store(on, std::memory_order_relaxed); }

 private:
  const bool configured_;
  std::atomic<bool> on_;
};

}  // namespace rpx::policy
