// "${NAME}" and "${NAME:-default}" in texts of a configuration. Pure given the environment it is handed.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config/problem.h"

namespace rpx::config {

/// The value of an environment variable, or nothing where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of this process. Not while another thread changes it.
std::optional<std::string> process_environment(const std::string& name);

/// `text` with its variables replaced. As in a shell, ":-" gives the value of a variable that is unset or empty.
/// "$${" stands for "${"; "${1}" (of a rewrite) and "$" elsewhere stay as they are. Error: what is wrong, one line.
std::expected<std::string, std::string> expand(std::string_view text, const Environment& environment);

/// Expands every text at and below `node`; what changed becomes loose. Keys are left alone.
void expand_tree(Node& node, const Environment& environment, Report& report);

}  // namespace rpx::config
