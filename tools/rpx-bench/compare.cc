#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <string>

#include "base/result.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "load/verdict.h"
#include "modes.h"
#include "runner.h"
#include "target.h"
#include "verbs.h"

namespace rpx::bench {
namespace {

// Of each side: many, so that the few that something disturbs are known by the others.
constexpr int kRounds = 20;
// Where these say nothing yet, as many again, and no more than this many times.
constexpr int kMostTimes = 4;

// Both sides of a comparison.
struct Sides {
  Plan plans[2];
  std::vector<double> rps[2];
  std::vector<double> p50[2];
  std::vector<double> p99[2];
};

Result<Plan> short_plan(const RunOptions& options, const cli::Common& common) {
  RPX_TRY(Plan plan, make_plan(options, common));
  if (plan.total != 0) return self_error(ErrorKind::kUsage, "--compare goes by time; pass -d instead of -n");
  // A tenth of each round is for connecting.
  const Duration round = plan.duration / (2 * kRounds);
  plan.warmup = round / 10;
  plan.duration = round - plan.warmup;
  return plan;
}

// One round of one side. False when a signal has ended it.
Result<bool> take_turn(Sides& sides, int side, int round, const cli::Common& common) {
  const std::string label =
      fmt::format("{} {} of {}  ", side == 0 ? "first" : "other", round + 1, (round / kRounds + 1) * kRounds);
  RPX_TRY(const load::Summary run, execute(sides.plans[side], {!common.quiet && !common.no_progress, label}));
  if (last_signal() != 0) return false;
  sides.rps[side].push_back(run.rps());
  sides.p50[side].push_back(static_cast<double>(run.tally.latency.percentile(50)));
  sides.p99[side].push_back(static_cast<double>(run.tally.latency.percentile(99)));
  return true;
}

// kRounds of each side, from number `first` on. False when a signal has ended them.
Result<bool> take_rounds(Sides& sides, int first, const cli::Common& common) {
  for (int round = first; round < first + kRounds; ++round) {
    // First, other, other, first: what drifts hits both alike.
    for (const int turn : {0, 1}) {
      RPX_TRY(const bool more, take_turn(sides, round % 2 == 0 ? turn : 1 - turn, round, common));
      if (!more) return false;
    }
  }
  return true;
}

std::vector<load::Comparison> judge(const Sides& sides, load::Judgement judgement) {
  std::vector<load::Comparison> found;
  if (!sides.plans[0].open_loop())
    found.push_back(load::compare_pairs("rps", false, sides.rps[0], sides.rps[1], judgement));
  found.push_back(load::compare_pairs("p50", true, sides.p50[0], sides.p50[1], judgement));
  found.push_back(load::compare_pairs("p99", true, sides.p99[0], sides.p99[1], judgement));
  return found;
}

void show_comparison(const Sides& sides, const std::vector<load::Comparison>& found, const cli::Common& common) {
  if (common.quiet) return;
  if (common.resolved_format() == cli::Format::kJson || common.resolved_format() == cli::Format::kNdjson) {
    cli::write_stdout(load::to_json(found));
    return;
  }
  std::string out = fmt::format("{} → {}\n", sides.plans[0].targets.front(), sides.plans[1].targets.front());
  out += load::to_text(found);
  out +=
      fmt::format("  {}, {} rounds of each in turns, 99% confidence\n", name_of(overall(found)), sides.rps[0].size());
  cli::write_stdout(out);
}

}  // namespace

Result<int> run_comparison(const RunOptions& options, const cli::Common& common) {
  Sides sides;
  RPX_TRY(sides.plans[0], short_plan(options, common));
  RunOptions other = options;
  other.urls = {options.compare};
  other.weights.clear();
  RPX_TRY(sides.plans[1], short_plan(other, common));
  for (const Plan& plan : sides.plans) RPX_TRY_VOID(reach(plan));
  const load::Judgement judgement{options.max_regress.empty() ? 0.02 : *parse_percent(options.max_regress)};
  std::vector<load::Comparison> found;
  // More rounds narrow what is uncertain, and are had only then: they could but turn a verdict that is sure.
  for (int times = 0; times < kMostTimes && (times == 0 || overall(found) == load::Change::kUnclear); ++times) {
    RPX_TRY(const bool more, take_rounds(sides, times * kRounds, common));
    if (!more) return cli::exit_code_of_signal(last_signal());
    found = judge(sides, judgement);
  }
  show_comparison(sides, found, common);
  return cli::to_int(overall(found) == load::Change::kWorse ? cli::ExitCode::kFalse : cli::ExitCode::kDone);
}

std::optional<double> parse_percent(const std::string& text) noexcept {
  double out = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  if (error != std::errc() || out < 0 || out > 1000 || std::string_view(stop, end) != "%") return std::nullopt;
  return out / 100;
}

Result<bool> hold_baseline(const RunOptions& options, const load::Summary& run, const cli::Common& common) {
  if (options.baseline.empty()) return true;
  RPX_TRY(const std::string text, read_input(options.baseline));
  RPX_TRY(const load::Summary before, load::from_json(text, options.baseline));
  const load::Judgement judgement{options.max_regress.empty() ? 0.05 : *parse_percent(options.max_regress)};
  const std::vector<load::Comparison> found = load::compare_runs(before, run, judgement);
  const load::Change verdict = overall(found);
  if (!common.quiet || verdict == load::Change::kWorse)
    cli::write_stderr(
        fmt::format("{}: against {}: {}\n{}", kTool, options.baseline, name_of(verdict), load::to_text(found)));
  return verdict != load::Change::kWorse;
}

Result<Duration> cpu_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  // The name may hold anything, brackets too.
  const std::size_t name_end = text.rfind(") ");
  if (name_end == std::string::npos)
    return self_error(ErrorKind::kUsage, fmt::format("--pid {}: there is no such process", pid));
  std::uint64_t ticks = 0;
  std::string_view rest = std::string_view(text).substr(name_end + 2);
  for (int field = 3; field <= 17 && !rest.empty(); ++field) {
    const std::size_t blank = rest.find(' ');
    std::uint64_t value = 0;
    const std::string_view word = rest.substr(0, blank);
    std::from_chars(word.data(), word.data() + word.size(), value);
    if (field >= 14) ticks += value;
    rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
  }
  return Duration(
      static_cast<std::int64_t>(static_cast<double>(ticks) * 1e9 / static_cast<double>(sysconf(_SC_CLK_TCK))));
}

}  // namespace rpx::bench
