#include <fmt/format.h>

#include <cmath>

#include "base/result.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "control/json.h"
#include "modes.h"
#include "runner.h"

namespace rpx::bench {
namespace {

constexpr double kFirstRate = 100;
constexpr double kMostRate = 5e6;
// Nearer than this the next step would only measure noise.
constexpr double kNear = 1.03;
constexpr double kMostErrors = 0.01;
constexpr double kKeptUp = 0.97;

struct SearchStep {
  double rate = 0;
  load::Summary run;
  bool holds = false;
};

// A rate that was not reached did not hold, whatever the replies to the rest were like.
bool holds(const load::Assertion& condition, const load::Summary& run) {
  return condition.check(run).holds && run.error_share() <= kMostErrors && run.rps() >= kKeptUp * run.rate;
}

struct Search {
  Plan& plan;
  const load::Assertion& condition;
  const cli::Common& common;
  std::vector<SearchStep> steps;

  // False when a signal has ended it.
  Result<bool> attempt(double rate) {
    plan.rate = rate;
    RPX_TRY(load::Summary run,
            execute(plan, {!common.quiet && !common.no_progress, fmt::format("at {:.0f}/s  ", rate)}));
    const bool good = holds(condition, run);
    steps.push_back({rate, std::move(run), good});
    return last_signal() == 0;
  }
};

// Doubles until it does not hold, then halves the distance.
Result<bool> search(Search& work, double first, double& best) {
  double low = 0;
  double high = 0;
  for (double rate = first; rate <= kMostRate; rate = high == 0 ? rate * 2 : std::sqrt(low * high)) {
    RPX_TRY(const bool more, work.attempt(rate));
    if (!more) return false;
    (work.steps.back().holds ? low : high) = rate;
    // Even the first one was too much: begin lower.
    if (low == 0 && rate < 2) break;
    if (low == 0) {
      rate /= 16;
      high = 0;
      continue;
    }
    if (high != 0 && high / low < kNear) break;
  }
  best = low;
  return true;
}

void show_search(const Search& work, double best, const cli::Common& common) {
  if (common.quiet) return;
  const auto ms = [](std::uint64_t ns) { return std::round(static_cast<double>(ns) / 1e4) / 100; };
  if (common.resolved_format() == cli::Format::kJson || common.resolved_format() == cli::Format::kNdjson) {
    control::Json json;
    json.open_object().member("schema", "rpx-bench-search/1").member("condition", work.condition.text());
    json.member("highest_rate", best).key("steps").open_array();
    for (const SearchStep& step : work.steps)
      json.open_object()
          .member("rate", step.rate)
          .member("rps", step.run.rps())
          .member("holds", step.holds)
          .member("p50_ms", ms(step.run.tally.latency.percentile(50)))
          .member("p99_ms", ms(step.run.tally.latency.percentile(99)))
          .member("errors", step.run.tally.failed())
          .close_object();
    json.close_array().close_object();
    cli::write_stdout(json.take() + '\n');
    return;
  }
  cli::Records records(
      {{"rate", true}, {"rps", true}, {"p50_ms", true}, {"p99_ms", true}, {"errors", true}, {"holds"}});
  for (const SearchStep& step : work.steps)
    records.add({std::round(step.rate), std::round(step.run.rps()), ms(step.run.tally.latency.percentile(50)),
                 ms(step.run.tally.latency.percentile(99)), step.run.tally.failed(), step.holds});
  cli::write_stdout(records.render(common.resolved_format(), false));
  if (common.resolved_format() == cli::Format::kTable)
    cli::write_stdout(fmt::format("{} holds up to {:.0f} requests a second\n", work.condition.text(), best));
}

}  // namespace

Result<int> run_search(const RunOptions& options, const cli::Common& common) {
  auto condition = load::Assertion::parse(options.find_max);
  if (!condition) return self_error(ErrorKind::kUsage, "--find-max " + condition.error().detail);
  if (!condition->is_latency_limit())
    return self_error(ErrorKind::kUsage, "--find-max takes a limit on a latency, as in p99<10ms");
  RunOptions timed = options;
  if (!options.duration) timed.duration = std::chrono::seconds(3);
  if (!options.total.empty()) return self_error(ErrorKind::kUsage, "--find-max goes by time; pass -d instead of -n");
  if (timed.rate.empty()) timed.rate = fmt::format("{}", kFirstRate);
  RPX_TRY(Plan plan, make_plan(timed, common));
  RPX_TRY_VOID(reach(plan));
  double best = 0;
  Search work{plan, *condition, common, {}};
  RPX_TRY(const bool whole, search(work, plan.rate, best));
  show_search(work, best, common);
  if (!whole) return cli::exit_code_of_signal(last_signal());
  return cli::to_int(best > 0 ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace rpx::bench
