// Refreshes of stale objects that were answered with meanwhile (RFC 5861 section 3): requests of the proxy's own, on
// the worker that noticed.
#pragma once

#include "proxy/visit.h"

namespace rpx::proxy {

/// Begins to validate `stored` in the background, unless that is under way already.
void start_refresh(const Visit& visit, const cache::EntryPtr& stored);

}  // namespace rpx::proxy
