// Reports of a run for others: an HTML page that needs nothing else, and JUnit for CI systems. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "load/assertion.h"
#include "load/summary.h"

namespace rpx::load {

/// One page with figures, plots of throughput, latency over time, percentiles and errors, and what was asserted.
std::string to_html(const Summary& run, const std::vector<Assertion>& assertions);

/// A test case for each assertion; without any, one for the run as a whole, which passes when nothing failed.
std::string to_junit(const Summary& run, const std::vector<Assertion>& assertions);

}  // namespace rpx::load
