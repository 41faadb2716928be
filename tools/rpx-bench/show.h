// Shows what a run has measured, in the format that was asked for. Used by the verbs that have a result, main thread.
#pragma once

#include "cli/spec.h"
#include "load/assertion.h"
#include "load/summary.h"

namespace rpx::bench {

/// The whole answer, on stdout.
void show(const load::Summary& run, const cli::Common& common);

/// Says on stderr which of `assertions` do not hold. True when all do.
bool hold(const std::vector<load::Assertion>& assertions, const load::Summary& run, const cli::Common& common);

/// Errors of connecting, whatever their kind: nobody there. Returns the exit status.
int report_unreachable(const Error& error);

}  // namespace rpx::bench
