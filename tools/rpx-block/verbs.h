// The verbs of rpx-block; main.cc lists them. Each adds its declaration, whose action is the verb itself. Main thread.
#pragma once

#include "cli/app.h"

namespace rpx::block {

inline constexpr const char* kTool = "rpx-block";

void add_add(cli::App& app);
void add_del(cli::App& app);
void add_ls(cli::App& app);
void add_test(cli::App& app);
void add_import(cli::App& app);
void add_export(cli::App& app);
void add_merge(cli::App& app);
void add_prune(cli::App& app);
void add_stats(cli::App& app);
void add_watch(cli::App& app);
void add_log(cli::App& app);
void add_undo(cli::App& app);
void add_simulate(cli::App& app);

}  // namespace rpx::block
