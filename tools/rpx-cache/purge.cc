#include <fmt/format.h>

#include <memory>

#include "base/result.h"
#include "control/json.h"
#include "stores.h"
#include "verbs.h"

namespace rpx::cache_tool {
namespace {

struct PurgeOptions {
  std::string cache;
  std::string url;
  std::string prefix;
  std::string host;
  std::string tag;
  bool all = false;
  bool soft = false;
  bool dry_run = false;
  bool yes = false;
};

// The one thing that is to be purged, as the proxy wants to be told.
Result<std::string> body_of(const PurgeOptions& options) {
  const int given = (options.url.empty() ? 0 : 1) + (options.prefix.empty() ? 0 : 1) + (options.host.empty() ? 0 : 1) +
                    (options.tag.empty() ? 0 : 1) + (options.all ? 1 : 0);
  if (given != 1) return self_error(ErrorKind::kUsage, "purge takes one of URL, --prefix, --host, --tag and --all");
  control::Json json;
  json.open_object();
  if (!options.url.empty()) {
    RPX_TRY(const std::string url, normal_url(options.url));
    json.member("url", url);
  }
  if (!options.prefix.empty()) json.member("prefix", options.prefix);
  if (!options.host.empty()) json.member("host", options.host);
  if (!options.tag.empty()) json.member("tag", options.tag);
  if (options.all) json.member("all", true);
  json.member("soft", options.soft).member("dry_run", options.dry_run).close_object();
  return json.take();
}

Result<int> purge(const PurgeOptions& options, const cli::Common& common) {
  RPX_TRY(const std::string body, body_of(options));
  if (options.all && !options.yes && !options.dry_run) {
    cli::write_stderr(
        "rpx-cache: purging all of a cache sends every client to the origin; say --yes if that is meant\n");
    return cli::to_int(cli::ExitCode::kRefused);
  }
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<Object> stores, ask_stores(proxy, options.cache));
  cli::Records records({{"cache"}, {"entries", true}, {"bytes", true}, {"hits", true}});
  for (const Object& store : stores) {
    RPX_TRY(const std::string answer, serve::ask(proxy, "POST", call_of(store, "purge"), body));
    RPX_TRY(const Object taken, serve::parse_object(answer));
    records.add({serve::text_of(*store, "name"), serve::number_of(*taken, "entries"), serve::number_of(*taken, "bytes"),
                 serve::number_of(*taken, "hits")});
  }
  if (!common.quiet)
    cli::write_stdout(
        records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
  return 0;
}

}  // namespace

void add_purge(cli::App& app) {
  auto options = std::make_shared<PurgeOptions>();
  cli::Verb verb = app.verb("purge", "take objects out, for every worker at once, and tell how much went");
  verb.example("rpx-cache purge https://example.com/", "one object, in all its variants")
      .example("rpx-cache purge --prefix https://example.com/css/ --dry-run", "how much that would be")
      .example("rpx-cache purge --tag product-7 --soft", "mark it stale: validated when next asked for")
      .operand("URL", &options->url, "as clients ask for it")
      .option("--prefix", "URL", &options->prefix, "all URLs that begin so")
      .option("--host", "HOST", &options->host, "all of this host")
      .option("--tag", "TAG", &options->tag, "all with this tag")
      .flag("--all", options->all, "everything; needs --yes")
      .flag("--soft", options->soft, "do not take out, but mark as stale")
      .flag("--dry-run", options->dry_run, "change nothing, tell how much would go")
      .flag("--yes", options->yes, "do it without being asked again")
      .action(action_of(options, purge, kTool));
  add_cache_option(verb, options->cache);
}

}  // namespace rpx::cache_tool
