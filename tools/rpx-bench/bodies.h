// Request bodies as the command line describes them: text, a file, generated, a form, and compressed. Main thread,
// before a run.
#pragma once

#include "load/request.h"
#include "options.h"

namespace rpx::bench {

/// Fills body and what fields it needs into `text`. Errors: kUsage.
Status add_body(const RunOptions& options, load::RequestText& text);

}  // namespace rpx::bench
