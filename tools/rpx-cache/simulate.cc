#include <fmt/format.h>

#include <memory>

#include "access_lines.h"
#include "base/result.h"
#include "base/text.h"
#include "base/units.h"
#include "cache/store.h"
#include "stores.h"
#include "verbs.h"

namespace rpx::cache_tool {
namespace {

struct SimulateOptions {
  std::string log;
  std::string sizes = "64MiB,256MiB,1GiB,4GiB";
  std::string max_object = "64MiB";
};

// A store of the size in question, with the proxy's own rule of what goes: of bodies only the lengths are there.
struct Simulated {
  std::string label;
  std::unique_ptr<cache::Store> store;
  std::uint64_t hits = 0;
  std::uint64_t hit_bytes = 0;
};

struct Totals {
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
  std::uint64_t left_out = 0;  // requests that no cache answers
  std::uint64_t unreadable = 0;
};

Result<std::vector<Simulated>> stores_of(const std::string& sizes) {
  std::vector<Simulated> out;
  for (const std::string_view text : split(sizes, ',')) {
    const std::string label(trim(text));
    // "4G" as people write it, besides what the configuration takes.
    const bool short_form = !label.empty() && std::string_view("KMGT").find(label.back()) != std::string_view::npos;
    const auto size = parse_size(short_form ? label + "iB" : label);
    if (!size || *size == 0)
      return self_error(ErrorKind::kUsage, fmt::format("\"{}\" is no size: write sizes such as 256MiB,1G", label));
    out.push_back({label, std::make_unique<cache::Store>(label, *size)});
  }
  return out;
}

bool is_stored(const LoggedRequest& request) noexcept {
  return request.method == "GET" && (request.status == 200 || request.status == 301 || request.status == 304 ||
                                     request.status == 404 || request.status == 410);
}

void ask(Simulated& simulated, const std::string& key, const LoggedRequest& request, std::uint64_t max_object) {
  const cache::Store::Found found = simulated.store->find(key, {});
  if (found.entry) {
    found.entry->count_hit();
    ++simulated.hits;
    simulated.hit_bytes += request.bytes;
    return;
  }
  if (request.bytes > max_object) return;
  cache::NewEntry made;
  made.key = key;
  made.url = key;
  made.host = request.host;
  made.assumed_bytes = request.bytes;
  simulated.store->put(cache::Entry::make(std::move(made), {}, ""));
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return fmt::format("{:.1f}", whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

Result<int> simulate(const SimulateOptions& options, const cli::Common& common) {
  RPX_TRY(std::vector<Simulated> stores, stores_of(options.sizes));
  const auto max_object = parse_size(options.max_object);
  if (!max_object)
    return self_error(ErrorKind::kUsage,
                      fmt::format("--max-object \"{}\" is no size: write one such as 64MiB", options.max_object));
  Totals totals;
  RPX_TRY_VOID(each_line(options.log, [&](std::string_view line) -> Status {
    if (trim(line).empty()) return {};
    const auto request = read_logged(line);
    if (!request) {
      ++totals.unreadable;
      return {};
    }
    if (!is_stored(*request)) {
      ++totals.left_out;
      return {};
    }
    ++totals.requests;
    totals.bytes += request->bytes;
    const std::string key = request->host + request->target;
    for (Simulated& simulated : stores) ask(simulated, key, *request, *max_object);
    return {};
  }));
  if (totals.requests == 0 && totals.unreadable != 0)
    return self_error(ErrorKind::kUsage, fmt::format("no line of {} is of an access log in the formats json, common or "
                                                     "combined",
                                                     options.log));
  if (totals.unreadable != 0 && !common.quiet)
    cli::write_stderr(fmt::format("{}: {} lines of {} could not be read\n", kTool, totals.unreadable, options.log));
  cli::Records records({{"size"},
                        {"requests", true},
                        {"hit_percent", true},
                        {"byte_hit_percent", true},
                        {"evicted", true},
                        {"entries", true},
                        {"bytes", true}});
  for (const Simulated& one : stores)
    records.add({one.label, totals.requests, percent(one.hits, totals.requests), percent(one.hit_bytes, totals.bytes),
                 one.store->counters().evicted.load(), one.store->entries(), one.store->bytes()});
  if (common.quiet) return 0;
  cli::write_stdout(records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
  return 0;
}

}  // namespace

void add_simulate(cli::App& app) {
  auto options = std::make_shared<SimulateOptions>();
  cli::Verb verb = app.verb("simulate", "replay an access log against caches of several sizes, and tell how many hits");
  verb.example("rpx-cache simulate access.log --size 1G,4G", "would more memory be worth it?")
      .operand("LOG", &options->log, "an access log in json, common or combined format; - is stdin", true)
      .option("--size", "SIZES", &options->sizes, "sizes of memory to try, such as 256MiB,1G")
      .option("--max-object", "SIZE", &options->max_object, "larger replies are not stored")
      .action(action_of(options, simulate, kTool));
}

}  // namespace rpx::cache_tool
