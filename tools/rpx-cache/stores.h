// The caches of a running proxy, asked over the control socket. Used by the verbs; main thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/app.h"
#include "control/client.h"
#include "rpx-serve/ask.h"

namespace rpx::cache_tool {

using Object = Poco::JSON::Object::Ptr;

/// --cache.
void add_cache_option(cli::Verb& verb, std::string& cache);
/// What the proxy tells of its caches; of `cache` alone when that is not empty. Errors: the client's; kUsage when there
/// is none.
Result<std::vector<Object>> ask_stores(const control::Client& proxy, const std::string& cache);
/// A call of one cache: "/v1/cache/NAME/…".
std::string call_of(const Object& store, std::string_view rest);
/// `url` as the proxy writes it: scheme and host in lower case, a path, no fragment. Errors: kUsage when it is none.
Result<std::string> normal_url(std::string_view url);
/// The stored replies to `url`: what /v1/cache/NAME/entry answers, for each of the caches.
struct Looked {
  std::string cache;
  Object answer;
};
Result<std::vector<Looked>> look_up(const control::Client& proxy, const std::string& cache, const std::string& url);

/// Runs a verb and reports what went wrong.
template <class Options>
auto action_of(const std::shared_ptr<Options>& options, Result<int> (*run)(const Options&, const cli::Common&),
               const char* tool) {
  return [options, run, tool](const cli::Common& common) {
    const Result<int> done = run(*options, common);
    return done ? *done : cli::report_error(tool, done.error());
  };
}

}  // namespace rpx::cache_tool
