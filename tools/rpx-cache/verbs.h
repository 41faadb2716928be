// The verbs of rpx-cache; main.cc lists them. Each adds its declaration, whose action is the verb itself. Main thread.
#pragma once

#include "cli/app.h"

namespace rpx::cache_tool {

inline constexpr const char* kTool = "rpx-cache";

void add_stats(cli::App& app);
void add_ls(cli::App& app);
void add_show(cli::App& app);
void add_explain(cli::App& app);
void add_purge(cli::App& app);
void add_simulate(cli::App& app);
void add_warm(cli::App& app);
void add_watch(cli::App& app);
void add_verify(cli::App& app);
void add_export(cli::App& app);
void add_import(cli::App& app);

}  // namespace rpx::cache_tool
