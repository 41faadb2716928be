// TOML text to nodes. The one file that knows the TOML library. Pure, any thread.
#pragma once

#include <optional>
#include <string_view>

#include "config/problem.h"

namespace rpx::config {

/// A whole document; `source` is its number in `report`. Nothing, and one error reported, where it is not TOML.
std::optional<Node> parse(std::string_view text, std::uint32_t source, Report& report);

/// One value as it stands after "=", every part of it placed at `at`; nothing where `text` is no TOML value.
std::optional<Node> parse_value(std::string_view text, const Position& at);

}  // namespace rpx::config
