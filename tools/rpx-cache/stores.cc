#include "stores.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"

namespace rpx::cache_tool {

void add_cache_option(cli::Verb& verb, std::string& cache) {
  verb.option("--cache", "NAME", &cache, "only the cache of this name");
}

Result<std::vector<Object>> ask_stores(const control::Client& proxy, const std::string& cache) {
  RPX_TRY(std::vector<Object> stores, serve::ask_list(proxy, "/v1/cache"));
  if (cache.empty()) return stores;
  std::erase_if(stores, [&](const Object& store) { return serve::text_of(*store, "name") != cache; });
  if (stores.empty()) return self_error(ErrorKind::kUsage, fmt::format("the proxy has no cache \"{}\"", cache));
  return stores;
}

std::string call_of(const Object& store, std::string_view rest) {
  return fmt::format("/v1/cache/{}/{}", serve::text_of(*store, "name"), rest);
}

Result<std::string> normal_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos || scheme == 0)
    return self_error(ErrorKind::kUsage, fmt::format("\"{}\" is no URL: write http://HOST/PATH", url));
  url = url.substr(0, url.find('#'));
  const std::size_t path = std::min(url.find_first_of("/?", scheme + 3), url.size());
  std::string out = lower(url.substr(0, path));
  const std::string_view own = out.starts_with("https:") ? ":443" : ":80";
  if (out.ends_with(own)) out.resize(out.size() - own.size());
  if (path == url.size() || url[path] == '?') out += '/';
  out += url.substr(path);
  return out;
}

Result<std::vector<Looked>> look_up(const control::Client& proxy, const std::string& cache, const std::string& url) {
  RPX_TRY(const std::string normal, normal_url(url));
  RPX_TRY(const std::vector<Object> stores, ask_stores(proxy, cache));
  std::vector<Looked> out;
  for (const Object& store : stores) {
    RPX_TRY(const std::string body,
            serve::ask(proxy, "GET", call_of(store, fmt::format("entry?url={}", control::encoded_segment(normal)))));
    RPX_TRY(Object answer, serve::parse_object(body));
    out.push_back({serve::text_of(*store, "name"), std::move(answer)});
  }
  return out;
}

}  // namespace rpx::cache_tool
