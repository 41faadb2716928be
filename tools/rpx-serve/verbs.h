// The verbs of rpx-serve, one file each; main.cc lists them. Each adds its declaration, whose action is the verb
// itself. Main thread.
#pragma once

#include "cli/app.h"

namespace rpx::serve {

inline constexpr const char* kTool = "rpx-serve";

void add_run(cli::App& app);
void add_check(cli::App& app);
void add_reload(cli::App& app);
void add_stop(cli::App& app);
void add_upgrade(cli::App& app);
void add_status(cli::App& app);
void add_top(cli::App& app);
void add_routes(cli::App& app);
void add_explain(cli::App& app);
void add_maintenance(cli::App& app);
void add_fault(cli::App& app);
void add_config(cli::App& app);
void add_demo(cli::App& app);

}  // namespace rpx::serve
