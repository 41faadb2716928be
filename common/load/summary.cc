#include "load/summary.h"

#include <fmt/format.h>

#include <algorithm>

namespace rpx::load {

std::uint64_t Summary::attempts() const noexcept {
  // What was wrong with a reply is counted among the replies already.
  std::uint64_t out = tally.requests;
  for (std::size_t kind = 0; kind < static_cast<std::size_t>(Failure::kStatus); ++kind) out += tally.failures[kind];
  return out;
}

double Summary::error_share() const noexcept {
  const std::uint64_t all = attempts();
  return all == 0 ? 0 : static_cast<double>(tally.failed()) / static_cast<double>(all);
}

std::string time_text(double ns) {
  if (ns < 1e3) return fmt::format("{:.0f}ns", ns);
  const auto [value, unit] = ns < 1e6   ? std::pair(ns / 1e3, "µs")
                             : ns < 1e9 ? std::pair(ns / 1e6, "ms")
                                        : std::pair(ns / 1e9, "s");
  return fmt::format("{:.{}f}{}", value, value < 10 ? 2 : value < 100 ? 1 : 0, unit);
}

std::string to_csv(const Summary& run) {
  std::string out = "second,requests,failures,bytes,rps,mean_ms,p50_ms,p90_ms,p99_ms,max_ms\n";
  const double step = std::chrono::duration<double>(run.slot).count();
  const auto ms = [](double ns) { return ns / 1e6; };
  for (std::size_t i = 0; i < run.tally.series.size(); ++i) {
    const Slot& slot = run.tally.series[i];
    const auto at = [&](double percent) { return ms(static_cast<double>(slot.latency.percentile(percent))); };
    fmt::format_to(std::back_inserter(out), "{:.3f},{},{},{},{:.1f},{:.4f},{:.4f},{:.4f},{:.4f},{:.4f}\n",
                   static_cast<double>(i) * step, slot.requests, slot.failures, slot.bytes,
                   static_cast<double>(slot.requests) / step, ms(slot.latency.mean()), at(50), at(90), at(99),
                   ms(static_cast<double>(slot.latency.max())));
  }
  return out;
}

Summary merge(const std::vector<Summary>& runs) {
  Summary out = runs.front();
  out.tally.series.clear();
  for (std::size_t i = 1; i < runs.size(); ++i) {
    const Summary& run = runs[i];
    for (const std::string& target : run.targets)
      if (std::ranges::find(out.targets, target) == out.targets.end()) out.targets.push_back(target);
    for (const std::string& warning : run.warnings)
      if (std::ranges::find(out.warnings, warning) == out.warnings.end()) out.warnings.push_back(warning);
    // Runs that overlap were one load from several places; others add up.
    const WallTime end = std::max(out.started + out.elapsed, run.started + run.elapsed);
    const bool overlap = run.started < out.started + out.elapsed && out.started < run.started + run.elapsed;
    out.elapsed = overlap ? Duration(end - std::min(out.started, run.started)) : out.elapsed + run.elapsed;
    out.started = std::min(out.started, run.started);
    out.rate += overlap ? run.rate : 0;
    out.connections = overlap ? out.connections + run.connections : std::max(out.connections, run.connections);
    out.threads = overlap ? out.threads + run.threads : std::max(out.threads, run.threads);
    out.open_loop = out.open_loop || run.open_loop;
    Tally other = run.tally;
    other.series.clear();
    out.tally.merge(other);
  }
  return out;
}

}  // namespace rpx::load
