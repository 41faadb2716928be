// What a run can be besides one measurement: two servers in turns, a result held against an older one, and a search for
// the highest rate. Main thread; each shows its answer and returns the exit status.
#pragma once

#include "cli/spec.h"
#include "options.h"

namespace rpx::bench {

/// --compare: the URLs of `options` and the other one, in many short rounds that take turns. 1 when the other is worse.
/// Errors: as make_plan() and reach().
Result<int> run_comparison(const RunOptions& options, const cli::Common& common);

/// --find-max: the highest rate at which the condition holds. 1 when there is none. Errors: as above.
Result<int> run_search(const RunOptions& options, const cli::Common& common);

/// --baseline: what became of `run` since that file, told on stderr. True when nothing is worse by more than allowed.
/// Errors: kUsage.
Result<bool> hold_baseline(const RunOptions& options, const load::Summary& run, const cli::Common& common);

/// CPU time of a process so far, with its children that have ended. Errors: kUsage when there is no such process.
Result<Duration> cpu_of(int pid);

}  // namespace rpx::bench
