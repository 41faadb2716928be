// [cache.NAME] and the routes that name one.
#include <fmt/format.h>

#include "cache/key.h"
#include "config/checks.h"
#include "config/named.h"

namespace rpx::config {
constinit const Kind<Document> kCaches =
    make_kind<Document, read_named<&proxy::SiteOptions::cache>, write_named<&proxy::SiteOptions::cache>>(
        "tables", "tables with names, such as [cache.static]");

Complaint check_cache_key(std::string_view text) {
  cache::CacheOptions options;
  options.key = text;
  const auto compiled = cache::KeyTemplate::compile(options);
  if (compiled) return std::nullopt;
  return compiled.error().detail;
}

Complaint check_tag_field(std::string_view text) { return text.empty() ? std::nullopt : check_token(text); }

void check_caches(Reader& reader, const Document& document) {
  const auto& caches = document.site.cache;
  for (std::size_t i = 0; i < caches.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (caches[i].disk && caches[j].disk && !caches[i].disk->path.empty() &&
          caches[i].disk->path == caches[j].disk->path)
        reader.report().error(
            {}, fmt::format("caches \"{}\" and \"{}\" have the same disk.path: each needs a folder of its own",
                            caches[j].name, caches[i].name));
  for (std::size_t i = 0; i < document.site.routes.size(); ++i)
    check_named(reader, *document.route_tables[i], "cache", document.site.routes[i].cache, document.site.cache);
}

}  // namespace rpx::config
