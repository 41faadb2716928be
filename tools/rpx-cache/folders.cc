#include "folders.h"

#include <fmt/format.h>

#include "base/result.h"
#include "rpx-serve/source.h"

namespace rpx::cache_tool {

Result<std::vector<Folder>> configured_folders(const cli::Common& common, const std::string& cache) {
  RPX_TRY(const serve::Source source, serve::Source::from_file(common, {}));
  const auto loaded = source.load();
  if (!loaded) {
    serve::print_problems(loaded.error());
    return self_error(ErrorKind::kConfig, "the configuration is wrong; name the folder itself to work without it");
  }
  std::vector<Folder> out;
  for (const cache::CacheOptions& options : loaded->options.cache)
    if (options.disk && (cache.empty() || options.name == cache))
      out.push_back({options.name, options.disk->path, options.disk->size});
  if (out.empty())
    return self_error(ErrorKind::kUsage, cache.empty()
                                             ? std::string("no cache of the configuration has a disk store")
                                             : fmt::format("the configuration has no cache \"{}\" with a disk", cache));
  return out;
}

}  // namespace rpx::cache_tool
