// Runs a plan: looks whether its origins can be reached, starts the threads, shows how it goes, ends with time, work or
// a signal, and sums up. Main thread; blocks until the run has ended.
#pragma once

#include <string>

#include "base/error.h"
#include "load/summary.h"
#include "plan.h"

namespace rpx::bench {

/// One connection to each origin, closed again. Errors: those of dialling and of the handshake, naming the origin.
Status reach(const Plan& plan);

struct RunView {
  bool progress = true;
  std::string label;    ///< before the figures of the progress line
  bool screen = false;  ///< the full-screen view instead of that line; stderr is a terminal
};

/// The run. A signal (SIGINT, SIGTERM) ends it early: Summary::interrupted names it. Errors: kIo where threads or
/// descriptors cannot be had.
Result<load::Summary> execute(const Plan& plan, const RunView& view);

/// The number of the signal that ended the last run; 0 for none.
int last_signal() noexcept;

}  // namespace rpx::bench
