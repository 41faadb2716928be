// The verbs of rpx-bench; main.cc lists them. Each adds its declaration, whose action is the verb itself. Main thread.
#pragma once

#include "cli/app.h"

namespace rpx::bench {

inline constexpr const char* kTool = "rpx-bench";

void add_run(cli::App& app);
void add_merge(cli::App& app);
void add_origin(cli::App& app);
void add_drill(cli::App& app);

}  // namespace rpx::bench
