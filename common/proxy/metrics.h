// Sums of what the workers count, and their Prometheus text (version 0.0.4). One table a fact: a metric is one
// call in metrics.cc. Any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "proxy/counters.h"
#include "proxy/site.h"
#include "proxy/views.h"

namespace rpx::proxy {

/// Sums over workers; upstream_connects is left to the caller.
Counters sum_counters(std::span<const WorkerCounters* const> workers);
/// The upstreams of `site` as they are now. A server is down when every worker avoids it.
std::vector<UpstreamView> view_upstreams(const Site& site, std::size_t workers);
/// All metrics. `dropped_lines` counts access-log lines that could not be written.
std::string write_metrics(const StatusView& status, std::span<const WorkerCounters* const> workers,
                          std::span<const UpstreamView> upstreams, std::uint64_t dropped_lines);
/// Those of caches.
std::string write_cache_metrics(std::span<const std::shared_ptr<cache::Store>> stores);

/// The same for faults; empty without any.
std::string write_fault_metrics(std::span<const std::shared_ptr<policy::Fault>> faults);

}  // namespace rpx::proxy
