#include <Poco/JSON/Array.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/result.h"
#include "saved.h"
#include "stores.h"
#include "verbs.h"

namespace rpx::cache_tool {
namespace {

struct LookOptions {
  std::string cache;
  std::string prefix;
  std::string host;
  std::string tag;
  std::string state;
  std::string sort = "url";
  std::string url;
  bool body = false;
  SavedPair saved;
};

int print(const cli::Records& records, const cli::Common& common) {
  if (common.quiet) return 0;
  const bool color = cli::use_color(common.color, cli::stdout_is_terminal());
  cli::write_stdout(records.render(common.resolved_format(), color));
  return 0;
}

double real_of(const Object& object, const std::string& member) {
  const auto value = object->get(member);
  return value.isEmpty() || !value.isNumeric() ? 0 : value.convert<double>();
}

// Share of the requests for the cache that it answered, in percent.
cli::Cell ratio_of(const Object& store) {
  const auto count = [&](const char* member) { return static_cast<double>(serve::number_of(*store, member)); };
  const double answered = count("hits") + count("stale");
  const double all = answered + count("misses");
  if (all == 0) return {};
  return fmt::format("{:.1f}", 100 * answered / all);
}

Result<int> stats(const LookOptions& options, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<Object> stores, ask_stores(proxy, options.cache));
  constexpr const char* kCounts[] = {"entries",     "bytes",       "memory",   "hits",      "stale",
                                     "revalidated", "misses",      "bypasses", "collapsed", "stored",
                                     "evicted",     "invalidated", "purged"};
  std::vector<cli::Column> columns{{"cache"}, {"hit_percent", true}};
  constexpr const char* kDiskCounts[] = {"entries", "bytes",   "size",    "hits",    "reads",
                                         "writes",  "evicted", "skipped", "damaged", "errors"};
  for (const char* name : kCounts) columns.push_back({name, true});
  for (const char* name : kDiskCounts) columns.push_back({fmt::format("disk_{}", name), true});
  cli::Records records(columns);
  for (const Object& store : stores) {
    std::vector<cli::Cell> row{serve::text_of(*store, "name"), ratio_of(store)};
    for (const char* name : kCounts) row.emplace_back(serve::number_of(*store, name));
    const auto disk = store->getObject("disk");
    for (const char* name : kDiskCounts)
      row.push_back(disk.isNull() ? cli::Cell() : cli::Cell(serve::number_of(*disk, name)));
    records.add(std::move(row));
  }
  return print(records, common);
}

Result<std::vector<Object>> entries_of(const control::Client& proxy, const Object& store, const LookOptions& options) {
  // ask_list puts its own part of the query behind a "?".
  std::vector<Object> out;
  std::string cursor = "0";
  while (!cursor.empty()) {
    std::string target = call_of(store, fmt::format("entries?limit=1000&cursor={}", cursor));
    for (const auto& [name, value] : {std::pair{"prefix", &options.prefix}, std::pair{"host", &options.host},
                                      std::pair{"tag", &options.tag}, std::pair{"state", &options.state}})
      if (!value->empty()) target += fmt::format("&{}={}", name, control::encoded_segment(*value));
    RPX_TRY(const std::string body, serve::ask(proxy, "GET", target));
    RPX_TRY(const Object page, serve::parse_object(body));
    const auto items = page->getArray("items");
    for (std::size_t i = 0; !items.isNull() && i < items->size(); ++i)
      out.push_back(items->getObject(static_cast<unsigned>(i)));
    cursor = serve::text_of(*page, "next");
  }
  return out;
}

void sort_entries(std::vector<Object>& entries, const std::string& by) {
  // The proxy lists them by URL. Of sizes and hits the most is of interest, of what is left the least.
  if (by == "url") return;
  std::ranges::sort(entries, [&](const Object& a, const Object& b) {
    if (real_of(a, by) != real_of(b, by))
      return by == "left" ? real_of(a, by) < real_of(b, by) : real_of(a, by) > real_of(b, by);
    return serve::text_of(*a, "url") < serve::text_of(*b, "url");
  });
}

Result<int> ls(const LookOptions& options, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<Object> stores, ask_stores(proxy, options.cache));
  cli::Records records({{"cache"},
                        {"state"},
                        {"status", true},
                        {"age", true},
                        {"left", true},
                        {"size", true},
                        {"hits", true},
                        {"where"},
                        {"url"}});
  for (const Object& store : stores) {
    RPX_TRY(std::vector<Object> entries, entries_of(proxy, store, options));
    sort_entries(entries, options.sort);
    for (const Object& entry : entries)
      records.add({serve::text_of(*store, "name"), serve::text_of(*entry, "state"), serve::number_of(*entry, "status"),
                   static_cast<std::int64_t>(real_of(entry, "age")), static_cast<std::int64_t>(real_of(entry, "left")),
                   serve::number_of(*entry, "size"), serve::number_of(*entry, "hits"), serve::text_of(*entry, "where"),
                   serve::text_of(*entry, "url")});
  }
  return print(records, common);
}

Poco::JSON::Array::Ptr variants_in(const Looked& looked) { return looked.answer->getArray("variants"); }

std::string head_of(const Object& variant) {
  std::string out = fmt::format("HTTP/1.1 {}\n", serve::number_of(*variant, "status"));
  const auto headers = variant->getArray("headers");
  for (std::size_t i = 0; !headers.isNull() && i < headers->size(); ++i) {
    const auto field = headers->getArray(static_cast<unsigned>(i));
    out += fmt::format("{}: {}\n", field->get(0).toString(), field->get(1).toString());
  }
  return out + fmt::format("\n# stored {}, {} bytes, {} hits\n", serve::text_of(*variant, "answered"),
                           serve::number_of(*variant, "size"), serve::number_of(*variant, "hits"));
}

Result<int> show(const LookOptions& options, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<Looked> found, look_up(proxy, options.cache, options.url));
  bool any = false;
  for (const Looked& looked : found) {
    const auto variants = variants_in(looked);
    if (variants->empty()) continue;
    if (options.body) {
      RPX_TRY(const std::string body,
              serve::ask(proxy, "GET",
                         fmt::format("/v1/cache/{}/body?url={}", looked.cache,
                                     control::encoded_segment(serve::text_of(*looked.answer, "url")))));
      cli::write_stdout(body);
      return 0;
    }
    if (common.format == cli::Format::kJson) cli::write_stdout(serve::to_json(*looked.answer) + "\n");
    for (std::size_t i = 0; common.format != cli::Format::kJson && i < variants->size(); ++i)
      cli::write_stdout((any || i != 0 ? "\n" : "") + head_of(variants->getObject(static_cast<unsigned>(i))));
    any = true;
  }
  return cli::to_int(any ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

void add_step(cli::Records& records, const std::string& cache, std::string says, std::string rule) {
  records.add({cache, std::move(says), std::move(rule)});
}

void explain_variant(cli::Records& records, const std::string& cache, const Object& variant) {
  const auto why = variant->getObject("why");
  const auto freshness = variant->getObject("freshness");
  const auto vary = variant->getObject("vary");
  for (const auto& [name, value] : *vary)
    add_step(records, cache,
             value.isEmpty() ? fmt::format("for requests without {}", name)
                             : fmt::format("for requests with {}: {}", name, value.toString()),
             "RFC 9111 4.1");
  add_step(records, cache,
           fmt::format("fresh for {:.0f} s: {}", real_of(variant, "lifetime"), serve::text_of(*freshness, "says")),
           serve::text_of(*freshness, "rule"));
  add_step(records, cache,
           fmt::format("{:.0f} s old, {:.0f} s left", real_of(variant, "age"), real_of(variant, "left")),
           "RFC 9111 4.2.3");
  if (real_of(variant, "stale_while_revalidate") > 0)
    add_step(records, cache,
             fmt::format("sent stale for {:.0f} s while it is revalidated", real_of(variant, "stale_while_revalidate")),
             "RFC 5861 3");
  if (real_of(variant, "stale_if_error") > 0)
    add_step(records, cache,
             fmt::format("sent stale for {:.0f} s when the origin fails", real_of(variant, "stale_if_error")),
             "RFC 5861 4");
  add_step(records, cache,
           fmt::format("now: {}, since {}", serve::text_of(*variant, "use"), serve::text_of(*why, "says")),
           serve::text_of(*why, "rule"));
}

Result<int> explain(const LookOptions& options, const cli::Common& common) {
  const bool offline = !options.saved.reply.empty();
  if (offline == !options.url.empty() || (!offline && !options.saved.request.empty()))
    return self_error(ErrorKind::kUsage, "explain takes URL, as clients ask for it, or --reply and perhaps --request");
  if (offline) return explain_saved(options.saved, common);
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<Looked> found, look_up(proxy, options.cache, options.url));
  cli::Records records({{"cache"}, {"step"}, {"rule"}});
  bool hit = false;
  for (const Looked& looked : found) {
    const auto variants = variants_in(looked);
    for (std::size_t i = 0; i < variants->size(); ++i) {
      const Object variant = variants->getObject(static_cast<unsigned>(i));
      explain_variant(records, looked.cache, variant);
      hit = hit || serve::text_of(*variant, "use") != "validated with the origin";
    }
    if (!variants->empty()) continue;
    const auto refused = looked.answer->getObject("refused");
    if (refused.isNull())
      add_step(records, looked.cache, "now: a miss, since nothing is stored", "RFC 9111 4");
    else
      add_step(records, looked.cache, fmt::format("now: a miss, since {}", serve::text_of(*refused, "says")),
               serve::text_of(*refused, "rule"));
  }
  print(records, common);
  return cli::to_int(hit ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace

void add_stats(cli::App& app) {
  auto options = std::make_shared<LookOptions>();
  cli::Verb verb = app.verb("stats", "tell what is stored, and what it has been good for");
  verb.example("rpx-cache stats -o json", "for scripts").action(action_of(options, stats, kTool));
  add_cache_option(verb, options->cache);
}

void add_ls(cli::App& app) {
  auto options = std::make_shared<LookOptions>();
  cli::Verb verb = app.verb("ls", "list what is stored");
  verb.example("rpx-cache ls --sort hits", "the most wanted first")
      .option("--prefix", "URL", &options->prefix, "only URLs that begin so")
      .option("--host", "HOST", &options->host, "only those of this host")
      .option("--tag", "TAG", &options->tag, "only those with this tag")
      .choice("--state", "STATE", &options->state, {"fresh", "stale", "purged"}, "only those in this state")
      .choice("--sort", "BY", &options->sort, {"url", "age", "left", "size", "hits"}, "what comes first")
      .action(action_of(options, ls, kTool));
  add_cache_option(verb, options->cache);
}

void add_show(cli::App& app) {
  auto options = std::make_shared<LookOptions>();
  cli::Verb verb = app.verb("show", "show the stored replies to an URL; exit status 1 when there is none");
  verb.example("rpx-cache show http://example.com/logo.png --body > logo.png", "the stored bytes")
      .operand("URL", &options->url, "as clients ask for it", true)
      .flag("--body", options->body, "the body of the first, and nothing else")
      .action(action_of(options, show, kTool));
  add_cache_option(verb, options->cache);
}

void add_explain(cli::App& app) {
  auto options = std::make_shared<LookOptions>();
  cli::Verb verb = app.verb("explain", "tell what a GET would get now, rule by rule; exit status 1 for a miss");
  verb.example("rpx-cache explain http://example.com/", "why was this a miss?")
      .example("curl -si http://example.com/ | rpx-cache explain --reply -",
               "what would become of a reply, without a proxy")
      .operand("URL", &options->url, "as clients ask for it")
      .option("--reply", "FILE", &options->saved.reply,
              "instead of URL: a saved reply, as curl -i writes it; - is stdin")
      .option("--request", "FILE", &options->saved.request, "the request it was for; without one, a plain GET")
      .option("--after", "DURATION", &options->saved.after, "how much later the same is asked for again")
      .action(action_of(options, explain, kTool));
  add_cache_option(verb, options->cache);
}

}  // namespace rpx::cache_tool
