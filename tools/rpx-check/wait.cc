#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "base/result.h"
#include "probing.h"
#include "rpx-serve/ask.h"
#include "servers.h"
#include "verbs.h"

namespace rpx::check {
namespace {

struct WaitOptions {
  std::string state = "healthy";
  std::optional<int> count;
  std::string upstream;
  std::vector<std::string> urls;
};

struct Count {
  std::size_t fit = 0;
  std::size_t all = 0;
};

// By probes of our own where URLs are given, else as the proxy sees it.
Result<Count> look(const WaitOptions& options, const std::vector<Subject>& subjects, const cli::Common& common) {
  const bool healthy = options.state == "healthy";
  if (!subjects.empty()) {
    const auto results = probe_all(subjects);
    const auto fit = std::ranges::count(results, healthy, &upstream::ProbeResult::good);
    return Count{static_cast<std::size_t>(fit), results.size()};
  }
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<ServerRow> rows, ask_servers(proxy, options.upstream));
  const auto fit =
      std::ranges::count_if(rows, [healthy](const ServerRow& row) { return (row.state == "up") == healthy; });
  return Count{static_cast<std::size_t>(fit), rows.size()};
}

Result<int> wait(const WaitOptions& options, cli::Common common) {
  if (options.count && *options.count < 1) return self_error(ErrorKind::kUsage, "--count must be at least 1");
  const Instant until = deadline_after(std::chrono::steady_clock::now(), common.timeout.value_or(kForever));
  common.timeout.reset();  // of the whole, not of each look
  std::vector<Subject> subjects;
  if (!options.urls.empty()) {
    RPX_TRY(subjects, subjects_of(options.urls, {}, common));
  }
  cli::Progress progress(!common.quiet && !common.no_progress);
  for (;;) {
    const Result<Count> now = look(options, subjects, common);
    // A proxy that does not run yet may well be what is waited for; a wrong name is not.
    if (!now && now.error().kind == ErrorKind::kUsage) return std::unexpected(now.error());
    const std::size_t wanted = options.count ? static_cast<std::size_t>(*options.count) : now ? now->all : 1;
    if (now && now->fit >= wanted) return 0;
    const std::string so_far = now ? fmt::format("{} of {} {}", now->fit, wanted, options.state) : now.error().detail;
    if (std::chrono::steady_clock::now() + kLook > until)
      return self_error(ErrorKind::kResponseTimeout, fmt::format("time ran out: {}", so_far));
    progress.show(so_far);
    pause();
  }
}

}  // namespace

void add_wait(cli::App& app) {
  auto options = std::make_shared<WaitOptions>();
  app.verb("wait", "wait until servers are as wanted; exit status 4 when --timeout comes first")
      .example("rpx-check wait --for healthy --count 2 --timeout 30s", "as the running proxy sees it")
      .example("rpx-check wait http://127.0.0.1:3000/healthz", "by probes from here; no proxy is needed")
      .choice("--for", "STATE", &options->state, {"healthy", "unhealthy"}, "what to wait for; default healthy")
      .option("--count", "N", &options->count, "how many servers must be so; default all")
      .option("--upstream", "NAME", &options->upstream, "only the servers of this upstream")
      .operand("URL...", &options->urls, "servers to probe, instead of asking the proxy")
      .action([options](const cli::Common& common) {
        const Result<int> done = wait(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::check
