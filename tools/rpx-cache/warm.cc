#include <poll.h>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <unordered_map>

#include "access_lines.h"
#include "base/result.h"
#include "base/text.h"
#include "base/units.h"
#include "control/json.h"
#include "stores.h"
#include "verbs.h"

namespace rpx::cache_tool {
namespace {

struct WarmOptions {
  std::string cache;
  std::string list;
  std::string base;
  std::string rate;
  std::optional<int> top;
};

// As many as one call fetches: short enough for progress to move.
constexpr std::size_t kMostAtOnce = 20;

struct Wanted {
  std::vector<std::string> urls;  // in the order they are fetched
  std::uint64_t unreadable = 0;
};

// Takes the URLs out of <loc> elements, which may stand several to a line.
void take_locations(std::string_view line, std::vector<std::string>& out) {
  constexpr std::string_view kOpen = "<loc>";
  for (std::size_t at = line.find(kOpen); at != std::string_view::npos; at = line.find(kOpen, at)) {
    at += kOpen.size();
    std::string url(trim(line.substr(at, line.find('<', at) - at)));
    for (const auto& [entity, text] : {std::pair{"&amp;", "&"}, std::pair{"&apos;", "'"}, std::pair{"&quot;", "\""}})
      for (std::size_t e = url.find(entity); e != std::string::npos; e = url.find(entity, e + 1))
        url.replace(e, std::string_view(entity).size(), text);
    out.push_back(std::move(url));
  }
}

// Lists, sitemaps and logs, told apart line by line. Of a log the URLs come first that were asked for most.
Result<Wanted> read_wanted(const WarmOptions& options) {
  Wanted out;
  std::unordered_map<std::string, std::uint64_t> asked;
  std::vector<std::string> logged;
  RPX_TRY_VOID(each_line(options.list, [&](std::string_view line) -> Status {
    line = trim(line);
    if (line.empty() || line.starts_with('#')) return {};
    if (line.starts_with('<')) {
      take_locations(line, out.urls);
    } else if (line.starts_with("http://") || line.starts_with("https://")) {
      out.urls.emplace_back(line);
    } else if (const auto request = read_logged(line)) {
      if (request->method != "GET" || request->status >= 400) return {};
      if (options.base.empty() && request->host.empty())
        return self_error(ErrorKind::kUsage, "the log does not say which host was asked: pass --base http://HOST");
      const std::string before = options.base.empty() ? "http://" + request->host : options.base;
      const std::string url = before + request->target;
      if (asked[url]++ == 0) logged.push_back(url);
    } else {
      ++out.unreadable;
    }
    return {};
  }));
  std::ranges::sort(logged, [&](const std::string& a, const std::string& b) {
    return asked[a] != asked[b] ? asked[a] > asked[b] : a < b;
  });
  out.urls.insert(out.urls.end(), logged.begin(), logged.end());
  std::set<std::string> seen;
  std::vector<std::string> once;
  for (const std::string& url : out.urls) {
    RPX_TRY(std::string normal, normal_url(url));
    if (seen.insert(normal).second) once.push_back(std::move(normal));
  }
  out.urls = std::move(once);
  if (options.top && out.urls.size() > static_cast<std::size_t>(std::max(0, *options.top)))
    out.urls.resize(static_cast<std::size_t>(std::max(0, *options.top)));
  return out;
}

std::string body_of(std::span<const std::string> urls) {
  control::Json json;
  json.open_object().key("urls").open_array();
  for (const std::string& url : urls) json.value(url);
  json.close_array().close_object();
  return json.take();
}

// Waits until `done` fetches are due by `rate`, since `begun`.
void keep_rate(double rate, std::size_t done, Instant begun) {
  if (rate <= 0) return;
  const Instant due =
      begun + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(static_cast<double>(done) / rate));
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
  if (left.count() > 0) poll(nullptr, 0, static_cast<int>(left.count()));
}

Result<int> warm(const WarmOptions& options, const cli::Common& common) {
  double rate = 0;
  if (!options.rate.empty()) {
    const auto parsed = parse_rate(options.rate);
    if (!parsed)
      return self_error(ErrorKind::kUsage, fmt::format("--rate \"{}\" is no rate: write 20/s or 600/m", options.rate));
    rate = parsed->per_second;
  }
  RPX_TRY(const Wanted wanted, read_wanted(options));
  if (wanted.unreadable != 0)
    cli::write_stderr(
        fmt::format("{}: {} lines of {} are neither URLs nor of a log\n", kTool, wanted.unreadable, options.list));
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<Object> stores, ask_stores(proxy, options.cache));
  if (stores.size() != 1)
    return self_error(ErrorKind::kUsage, stores.empty() ? "the proxy has no cache"
                                                        : "the proxy has several caches: say which with --cache NAME");
  cli::Records records({{"status", true}, {"stored"}, {"bytes", true}, {"url"}});
  cli::Progress progress(!common.quiet && !common.no_progress);
  const Instant begun = std::chrono::steady_clock::now();
  const std::span<const std::string> all = wanted.urls;
  std::size_t stored = 0;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t quick = rate <= 0 ? kMostAtOnce : static_cast<std::size_t>(std::max(1.0, rate / 4));
    const std::size_t count = std::min({quick, kMostAtOnce, all.size() - at});
    RPX_TRY(const std::string body,
            serve::ask(proxy, "POST", call_of(stores.front(), "warm"), body_of(all.subspan(at, count))));
    RPX_TRY(const Object answer, serve::parse_object(body));
    const auto items = answer->getArray("items");
    for (std::size_t i = 0; i < items->size(); ++i) {
      const auto item = items->getObject(static_cast<unsigned>(i));
      const bool there = item->getValue<bool>("stored");
      stored += there ? 1 : 0;
      records.add({serve::number_of(*item, "status"), there ? "yes" : "no", serve::number_of(*item, "bytes"),
                   serve::text_of(*item, "url")});
    }
    at += count;
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    progress.show(fmt::format("{} of {} fetched, {:.0f}/s, {} stored, {:.0f} s left", at, all.size(),
                              static_cast<double>(at) / std::max(0.001, took), stored,
                              took / static_cast<double>(at) * static_cast<double>(all.size() - at)));
    if (at < all.size()) keep_rate(rate, at, begun);
  }
  progress.clear();
  if (!common.quiet)
    cli::write_stdout(
        records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
  return cli::to_int(stored == all.size() ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace

void add_warm(cli::App& app) {
  auto options = std::make_shared<WarmOptions>();
  cli::Verb verb = app.verb("warm", "have URLs fetched and stored; exit status 1 when some cannot be");
  verb.example("rpx-cache warm sitemap.xml --rate 20/s", "before the visitors come")
      .example("rpx-cache warm access.log --top 1000", "what is asked for most, after a purge")
      .operand("LIST", &options->list, "URLs one a line, a sitemap, or an access log; - is stdin", true)
      .option("--rate", "RATE", &options->rate, "fetches at most, such as 20/s; as fast as it goes without it")
      .option("--top", "N", &options->top, "only so many; of a log those asked for most")
      .option("--base", "URL", &options->base, "scheme and host for logs that do not say them")
      .action(action_of(options, warm, kTool));
  add_cache_option(verb, options->cache);
}

}  // namespace rpx::cache_tool
