// The files of a configuration: reads them, follows `include`, merges. Blocking file access; not on a worker.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/expand.h"
#include "config/problem.h"

namespace rpx::config {

/// All of a configuration's text as one tree.
struct Tree {
  Node root;
  std::vector<std::string> files;  ///< absolute paths of all files read, the first one first
  bool whole = true;               ///< false when some file could not be read or parsed
};

/// Largest file that is read, in bytes.
inline constexpr std::size_t kMostFileBytes = 16 * 1024 * 1024;

/// Reads `file` and what it includes, with variables expanded. With `text`, that is taken instead of the file's
/// contents and `directory` (absolute) is what relative paths are relative to. Included files come behind the including
/// one: their sections are added to its sections, their list items follow its own.
Tree read_tree(const std::string& file, const std::optional<std::string>& text, const std::string& directory,
               const Environment& environment, Report& report);

/// `path` made absolute and normal relative to the absolute `directory`.
std::string absolute_path(std::string_view path, const std::string& directory);

}  // namespace rpx::config
