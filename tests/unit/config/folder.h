// A folder of files for tests of reading; gone at the end. And what nearly every test of this folder asks.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "config/config.h"

namespace rpx::config {

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rpx-config-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const noexcept { return path_; }
  std::string operator/(std::string_view name) const { return (std::filesystem::path(path_) / name).string(); }
  void write(std::string_view name, std::string_view text) const {
    const std::string path = *this / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

 private:
  std::string path_;
};

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
