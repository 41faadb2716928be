// Single values set from outside the file: `--set serve.workers=2`. Pure, any thread.
#pragma once

#include <string_view>

#include "config/problem.h"

namespace rpx::config {

/// Puts `value` at `path` ("serve.workers", "listen[0].address", "upstream.\"a.b\".host") of `root`, in place of what
/// is there, making the tables and the one next list item that are missing. A value that is no TOML is a text. What is
/// wrong with the path is reported at `at`.
void assign(Node& root, std::string_view path, std::string_view value, const Position& at, Report& report);

/// The same for "path=value", as given to --set.
void assign(Node& root, std::string_view assignment, const Position& at, Report& report);

}  // namespace rpx::config
