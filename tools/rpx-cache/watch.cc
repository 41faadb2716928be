#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "base/result.h"
#include "base/units.h"
#include "control/follow.h"
#include "stores.h"
#include "verbs.h"

namespace rpx::cache_tool {
namespace {

constexpr Duration kConnectPatience = std::chrono::seconds(10);
// Home, and what is below cleared, so that a table that stands still does not flicker.
constexpr std::string_view kHome = "\x1b[H\x1b[J";
// Keys remembered for one interval at most.
constexpr std::size_t kMostKeys = 100'000;

struct WatchOptions {
  std::string interval = "2s";
  std::optional<int> top;
  std::optional<int> count;
};

struct Tally {
  std::uint64_t requests = 0;
  std::uint64_t hits = 0;
  std::uint64_t bytes = 0;

  void add(bool hit, std::uint64_t sent) noexcept {
    ++requests;
    hits += hit ? 1 : 0;
    bytes += sent;
  }
  std::string percent() const {
    return fmt::format("{:.1f}",
                       100.0 * static_cast<double>(hits) / static_cast<double>(std::max<std::uint64_t>(1, requests)));
  }
};

struct Interval {
  std::map<std::string, Tally> routes;
  std::unordered_map<std::string, Tally> keys;
  std::uint64_t dropped = 0;
};

// Routes that have a cache, by name.
Result<std::set<std::string>> cached_routes(const control::Client& proxy) {
  RPX_TRY(const std::string body, serve::ask(proxy, "GET", "/v1/config"));
  RPX_TRY(const Object config, serve::parse_object(body));
  std::set<std::string> out;
  const auto routes = config->getArray("route");
  for (std::size_t i = 0; !routes.isNull() && i < routes->size(); ++i) {
    const auto route = routes->getObject(static_cast<unsigned>(i));
    if (!serve::text_of(*route, "cache").empty()) out.insert(serve::text_of(*route, "name"));
  }
  return out;
}

// What was answered without a server, and is no refusal of ours, came from the store.
void take(Interval& interval, const Poco::JSON::Object& event, const std::set<std::string>& routes) {
  const std::string route = serve::text_of(event, "route");
  const std::uint64_t status = serve::number_of(event, "status");
  if (!routes.contains(route) || status == 0) return;
  const bool hit = serve::number_of(event, "tries") == 0 && serve::text_of(event, "reason").empty() && status < 400;
  const std::uint64_t sent = serve::number_of(event, "bytes_sent");
  interval.routes[route].add(hit, sent);
  std::string key = serve::text_of(event, "host") + serve::text_of(event, "target");
  if (interval.keys.size() < kMostKeys || interval.keys.contains(key)) interval.keys[std::move(key)].add(hit, sent);
}

void add_row(cli::Records& records, std::string_view what, const std::string& name, const Tally& tally) {
  records.add({std::string(what), name, tally.requests, tally.percent(), tally.bytes});
}

std::string told(const Interval& interval, std::size_t top, cli::Format format, bool color) {
  cli::Records records({{"what"}, {"name"}, {"requests", true}, {"hit_percent", true}, {"bytes_sent", true}});
  for (const auto& [name, tally] : interval.routes) add_row(records, "route", name, tally);
  std::vector<std::pair<std::string, Tally>> keys(interval.keys.begin(), interval.keys.end());
  std::ranges::sort(keys, [](const auto& a, const auto& b) {
    return a.second.requests != b.second.requests ? a.second.requests > b.second.requests : a.first < b.first;
  });
  if (keys.size() > top) keys.resize(top);
  for (const auto& [name, tally] : keys) add_row(records, "key", name, tally);
  return records.render(format, color);
}

// Events until `until`.
Result<Interval> collect(control::EventFollower& follower, const std::set<std::string>& routes, Instant until) {
  Interval out;
  for (Instant now = std::chrono::steady_clock::now(); now < until; now = std::chrono::steady_clock::now()) {
    RPX_TRY(const std::optional<control::Followed> event, follower.next(until - now));
    if (!event || event->what != control::Followed::What::kEvent) continue;
    const auto object = serve::parse_object(event->json);
    if (!object) continue;
    if (event->kind == "dropped")
      out.dropped += serve::number_of(**object, "count");
    else
      take(out, **object, routes);
  }
  return out;
}

Result<int> watch(const WatchOptions& options, const cli::Common& common) {
  const auto interval = parse_duration(options.interval);
  if (!interval || *interval <= Duration::zero())
    return self_error(ErrorKind::kUsage, fmt::format("--interval \"{}\" is no duration: write 2s", options.interval));
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::set<std::string> routes, cached_routes(proxy));
  if (routes.empty()) return self_error(ErrorKind::kUsage, "no route of the proxy has a cache");
  control::EventFollower follower(proxy.path(), "access", kConnectPatience);
  RPX_TRY_VOID(follower.open());
  const cli::Format format = common.resolved_format();
  const bool live = format == cli::Format::kTable && cli::stdout_is_terminal();
  const bool color = cli::use_color(common.color, cli::stdout_is_terminal());
  const auto top = static_cast<std::size_t>(std::max(0, options.top.value_or(10)));
  for (int n = 0; !options.count || n < *options.count; ++n) {
    RPX_TRY(const Interval seen, collect(follower, routes, std::chrono::steady_clock::now() + *interval));
    if (seen.dropped != 0 && !live)
      cli::write_stderr(fmt::format("{}: {} requests came too fast to be counted\n", kTool, seen.dropped));
    if (!common.quiet) cli::write_stdout((live ? std::string(kHome) : "") + told(seen, top, format, color));
  }
  return 0;
}

}  // namespace

void add_watch(cli::App& app) {
  auto options = std::make_shared<WatchOptions>();
  app.verb("watch", "show the share of hits by route, and what is asked for most, live")
      .example("rpx-cache watch", "a table that is kept up to date, until Ctrl-C")
      .example("rpx-cache watch -o ndjson --interval 10s", "for a script")
      .option("--interval", "DURATION", &options->interval, "how long is counted before it is shown; 2s without it")
      .option("--top", "N", &options->top, "so many keys; 10 without it")
      .option("--count", "N", &options->count, "so many intervals, then end")
      .action(action_of(options, watch, kTool));
}

}  // namespace rpx::cache_tool
