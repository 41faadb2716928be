// Where log_event goes in a running proxy: a Poco::Logger whose channel is a LogWriter (or syslog, behind a
// Poco::AsyncChannel), so that no caller waits for a disk. Called by rpx-serve at start, reload and end, and
// on its control thread; the sink it installs is called from any thread.
//
// A line is `2026-01-02T03:04:05.678Z level=warning message="…" upstream=app`. It is a JSON object with the same
// names when [log].format is "json" and [log].errors is a path: what people read on a terminal or in the
// journal stays text, what a collector reads beside a JSON access log is JSON too.
#pragma once

#include "base/error.h"
#include "proxy/options.h"

namespace rpx::proxy {

/// Opens `options.errors` and makes it the sink of log_event from `options.level` on; replaces an earlier one, which is
/// flushed. Errors: kIo, and then the earlier sink stays.
Status install_error_log(const LogOptions& options);
/// Opens the file again, after rotation. Nothing to do for stderr and syslog.
void reopen_error_log();
/// Writes what is left; events go straight to stderr again, from kWarning on.
void close_error_log();

}  // namespace rpx::proxy
