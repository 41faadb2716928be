// The folders of disk stores that a configuration names, for verbs that work without a proxy. Main thread.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cli/spec.h"

namespace rpx::cache_tool {

struct Folder {
  std::string cache;  ///< empty when it was named itself
  std::string path;
  std::uint64_t size = std::uint64_t{10} << 30U;
};

/// Those of all caches that have one, or of `cache` alone. Errors: kUsage when there is none; kConfig.
Result<std::vector<Folder>> configured_folders(const cli::Common& common, const std::string& cache);

}  // namespace rpx::cache_tool
