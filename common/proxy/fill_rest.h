// RestOfFill: what is left of a fill when the one who began it has gone, while others read along. Called by Fill; on
// the worker's thread.
#pragma once

#include <memory>

#include "proxy/fill.h"

namespace rpx::proxy {

struct RestOfFill {
  std::shared_ptr<const LiveSite> live;  // has what the others refer to
  std::shared_ptr<cache::Store> store;
  Lead lead;  // of an open flight
  const cache::Rule& rule;
  Duration stall;
  http::ServerCall call;
  upstream::Place place;
  upstream::Lease lease;
};

/// Reads the body to its end, and has it stored; ends when nobody reads along any more.
rt::Task<void> read_rest(Worker& worker, RestOfFill rest);

}  // namespace rpx::proxy
