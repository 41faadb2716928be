// The verbs of rpx-check; main.cc lists them. Each adds its declaration, whose action is the verb itself. Main thread.
#pragma once

#include "cli/app.h"

namespace rpx::check {

inline constexpr const char* kTool = "rpx-check";

void add_probe(cli::App& app);
void add_config(cli::App& app);
void add_status(cli::App& app);
void add_watch(cli::App& app);
void add_why(cli::App& app);
void add_wait(cli::App& app);
/// ready, drain, maint and weight.
void add_changes(cli::App& app);
/// add and remove.
void add_members(cli::App& app);
void add_roll(cli::App& app);

}  // namespace rpx::check
