#include <memory>

#include "base/result.h"
#include "cli/terminal.h"
#include "load/report.h"
#include "load/summary.h"
#include "modes.h"
#include "options.h"
#include "proxy_times.h"
#include "runner.h"
#include "show.h"
#include "target.h"
#include "verbs.h"

namespace rpx::bench {
namespace {

using cli::ExitCode;
using cli::to_int;

// No reply at all is no measurement.
bool nobody_answered(const load::Summary& run) noexcept { return run.tally.requests == 0 && run.tally.failed() != 0; }

Status write_files(const RunOptions& options, const load::Summary& run,
                   const std::vector<load::Assertion>& assertions) {
  if (!options.save.empty()) RPX_TRY_VOID(write_output(options.save, load::to_json(run)));
  if (!options.report.empty()) RPX_TRY_VOID(write_output(options.report, load::to_html(run, assertions)));
  if (!options.junit.empty()) RPX_TRY_VOID(write_output(options.junit, load::to_junit(run, assertions)));
  return {};
}

// The run itself, and what a process on this machine spent on it.
Result<load::Summary> measure(const RunOptions& options, const Plan& plan, const cli::Common& common) {
  Duration before{};
  if (options.pid) {
    RPX_TRY(before, cpu_of(*options.pid));
  }
  ProxyTimes times;
  if (!options.proxy.empty()) {
    RPX_TRY(times, ask_proxy(options.proxy));
  }
  RPX_TRY(load::Summary run, execute(plan, {!common.quiet && !common.no_progress, "", options.screen}));
  if (!options.proxy.empty()) {
    RPX_TRY(const ProxyTimes after, ask_proxy(options.proxy));
    if (const double requests = after.requests - times.requests; requests > 0) {
      run.proxy_ns = (after.seconds - times.seconds) / requests * 1e9;
      run.origin_ns = (after.server_seconds - times.server_seconds) / requests * 1e9;
    }
  }
  if (options.pid && run.tally.requests != 0) {
    RPX_TRY(const Duration after, cpu_of(*options.pid));
    run.server_cpu_ns = static_cast<double>((after - before).count()) / static_cast<double>(run.tally.requests);
  }
  return run;
}

Result<int> run_once(const RunOptions& options, const cli::Common& common) {
  RPX_TRY(const std::vector<load::Assertion> assertions, parse_assertions(options.asserts));
  RPX_TRY(const Plan plan, make_plan(options, common));
  if (options.screen && !cli::stderr_is_terminal())
    return self_error(ErrorKind::kUsage, "--screen is drawn on stderr, which is no terminal; leave it out");
  RPX_TRY_VOID(reach(plan));
  RPX_TRY(const load::Summary run, measure(options, plan, common));
  RPX_TRY_VOID(write_files(options, run, assertions));
  show(run, common);
  RPX_TRY(const bool not_worse, hold_baseline(options, run, common));
  const bool all_hold = hold(assertions, run, common) && not_worse;
  if (last_signal() != 0) return cli::exit_code_of_signal(last_signal());
  if (!all_hold) return to_int(ExitCode::kFalse);
  return to_int(nobody_answered(run) ? ExitCode::kUnreachable : ExitCode::kDone);
}

}  // namespace

void add_run(cli::App& app) {
  auto options = std::make_shared<RunOptions>();
  cli::Verb verb = app.verb("run", "put load on URLs and measure how long replies take");
  verb.example("rpx-bench http://127.0.0.1:8080/", "50 connections for 10 seconds, each as fast as it goes")
      .example("rpx-bench --rate 2k -d 30s http://127.0.0.1:8080/", "2,000 requests a second, however slow replies are")
      .example("rpx-bench -n 1000 --check status=200 --assert 'p99<20ms' --assert 'errors<0.1%' http://app.test/",
               "for a script: exit status 1 unless both hold")
      .example("rpx-bench --feed users.csv 'http://127.0.0.1:8080/user/{{feed.id}}?n={{seq}}'",
               "every request another one");
  declare(verb, *options);
  verb.example("rpx-bench --compare http://127.0.0.1:8081/ http://127.0.0.1:8080/", "is the other one faster?")
      .example("rpx-bench --find-max 'p99<10ms' http://127.0.0.1:8080/", "the highest rate at which that holds");
  verb.operand("URL...", &options->urls, "what to ask for", true).action([options](const cli::Common& common) {
    const Result<int> done = !options->compare.empty()    ? run_comparison(*options, common)
                             : !options->find_max.empty() ? run_search(*options, common)
                                                          : run_once(*options, common);
    return done ? *done : report_unreachable(done.error());
  });
}

}  // namespace rpx::bench
