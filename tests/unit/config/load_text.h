// What nearly every test of this folder asks.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace rpx::config {

inline constexpr std::string_view kListener = "[[listen]]\naddress = \":0\"\n";
inline constexpr std::string_view kRoute = "[[route]]\nupstream = \"http://127.0.0.1:3000\"\n";
/// A whole configuration, to add to.
inline const std::string kBase = std::string(kListener) + std::string(kRoute);

/// An environment of one: WHO is "you", NONE is empty, FOUR is "4".
inline std::optional<std::string> small_environment(const std::string& name) {
  if (name == "WHO") return "you";
  if (name == "NONE") return "";
  if (name == "FOUR") return "4";
  return std::nullopt;
}

/// Loads `text` as the file rpx.toml of the folder /etc/rpx.
inline std::expected<Loaded, std::vector<Problem>> load_text(std::string_view text,
                                                             std::vector<std::string> sets = {}) {
  return load({.file = "rpx.toml",
               .text = std::string(text),
               .sets = std::move(sets),
               .base_directory = "/etc/rpx",
               .check_files = false,
               .environment = small_environment});
}

/// What is wrong with `text`, rendered; with "ok" at the end where it loads all the same.
inline std::string problems_of(std::string_view text, std::vector<std::string> sets = {}) {
  const auto loaded = load_text(text, std::move(sets));
  return loaded ? render(loaded->problems) + "ok" : render(loaded.error());
}

}  // namespace rpx::config
