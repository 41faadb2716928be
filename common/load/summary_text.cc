#include <fmt/format.h>

#include <array>
#include <cmath>

#include "load/summary.h"

namespace rpx::load {
namespace {

constexpr std::array<double, 8> kPercents{50, 75, 90, 95, 99, 99.9, 99.99, 100};

std::string count_text(std::uint64_t value) {
  std::string digits = fmt::format("{}", value);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "KB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string shape_of(const Summary& run) {
  std::string out = fmt::format("{} connection{}, {} thread{}", run.connections, run.connections == 1 ? "" : "s",
                                run.threads, run.threads == 1 ? "" : "s");
  if (run.pipeline > 1) out += fmt::format(", {} at once on each", run.pipeline);
  return out + ", " + run.protocol;
}

void add_figures(std::string& out, const Summary& run) {
  const Tally& tally = run.tally;
  const auto line = [&out](std::string_view name, const std::string& value) {
    fmt::format_to(std::back_inserter(out), "  {:<12}{}\n", name, value);
  };
  line("requests", fmt::format("{} in {:.2f}s", count_text(tally.requests), run.seconds()));
  line("rate", run.open_loop && run.rate > 0 ? fmt::format("{:.1f}/s of {:.6g}/s asked for", run.rps(), run.rate)
                                             : fmt::format("{:.1f}/s", run.rps()));
  line("received",
       fmt::format("{} ({}/s)", bytes_text(static_cast<double>(tally.bytes_in)), bytes_text(run.bytes_per_second())));
  if (tally.connect.count() != 0)
    line("connections", fmt::format("{} made, {} each at the median{}", count_text(tally.connect.count()),
                                    time_text(static_cast<double>(tally.connect.percentile(50))),
                                    tally.resumed == 0 ? "" : fmt::format(", {} resumed", count_text(tally.resumed))));
  std::string classes;
  for (std::size_t i = 1; i < tally.classes.size(); ++i)
    if (tally.classes[i] != 0)
      classes += fmt::format("{}{}xx {}", classes.empty() ? "" : ", ", i, count_text(tally.classes[i]));
  if (!classes.empty()) line("replies", classes);
  line("errors", fmt::format("{} ({:.3g}%)", count_text(tally.failed()), run.error_share() * 100));
  if (tally.unfinished != 0)
    line("unfinished", fmt::format("{} under way when time was up", count_text(tally.unfinished)));
  if (tally.unsent != 0)
    line("unsent", fmt::format("{} were due and found no connection free", count_text(tally.unsent)));
  const double each =
      tally.requests == 0 ? 0 : static_cast<double>(tally.cpu.count()) / static_cast<double>(tally.requests);
  line("client CPU", fmt::format("{} a request, {:.0f}% of {} thread{}", time_text(each),
                                 100 * std::chrono::duration<double>(tally.cpu).count() /
                                     std::max(run.seconds() * std::max(run.threads, 1), 1e-9),
                                 run.threads, run.threads == 1 ? "" : "s"));
  if (run.server_cpu_ns) line("server CPU", time_text(*run.server_cpu_ns) + " a request");
  if (run.proxy_ns) {
    const double servers = run.origin_ns.value_or(0);
    line("of the mean", fmt::format("{} on the way and in this client, {} in the proxy, {} at its servers",
                                    time_text(std::max(0.0, tally.latency.mean() - *run.proxy_ns)),
                                    time_text(std::max(0.0, *run.proxy_ns - servers)), time_text(servers)));
  }
}

void add_percentiles(std::string& out, const Summary& run) {
  if (run.tally.latency.count() == 0) return;
  const Histogram& latency = run.tally.latency;
  out += run.open_loop ? "\n  latency     from when due    from sending\n" : "\n  latency\n";
  const auto row = [&](std::string_view name, double value, double raw) {
    if (run.open_loop)
      fmt::format_to(std::back_inserter(out), "  {:<12}{:>13}   {:>13}\n", name, time_text(value), time_text(raw));
    else
      fmt::format_to(std::back_inserter(out), "  {:<12}{:>10}\n", name, time_text(value));
  };
  for (const double percent : kPercents) {
    if (percent == 100)
      row("max", static_cast<double>(latency.max()), static_cast<double>(run.tally.raw.max()));
    else
      row(fmt::format("p{:g}", percent), static_cast<double>(latency.percentile(percent)),
          static_cast<double>(run.tally.raw.percentile(percent)));
  }
  row("mean", latency.mean(), run.tally.raw.mean());
  row("deviation", latency.deviation(), run.tally.raw.deviation());
}

// Steps that double, from the fastest to the slowest.
void add_bars(std::string& out, const Histogram& latency) {
  if (latency.count() == 0) return;
  out += '\n';
  double low = static_cast<double>(latency.min());
  double step = 1000;
  while (step < low) step *= 2;
  std::uint64_t before = 0;
  for (bool last = false; !last; step *= 2) {
    last = step >= static_cast<double>(latency.max());
    const std::uint64_t up_to = last ? latency.count() : latency.count_to(static_cast<std::uint64_t>(step));
    const double share = static_cast<double>(up_to - before) / static_cast<double>(latency.count());
    before = up_to;
    std::string bar;
    for (int i = 0; i < static_cast<int>(std::ceil(share * 40)); ++i) bar += "▇";
    fmt::format_to(std::back_inserter(out), "  ≤ {:<8}{:>7.2f}%  {}\n", time_text(step), share * 100, bar);
  }
}

void add_failures(std::string& out, const Tally& tally, bool color) {
  for (std::size_t kind = 0; kind < kFailures; ++kind) {
    if (tally.failures[kind] == 0) continue;
    fmt::format_to(std::back_inserter(out), "\n  {}{}: {}{}\n", color ? "\x1b[31m" : "",
                   name_of(static_cast<Failure>(kind)), count_text(tally.failures[kind]), color ? "\x1b[0m" : "");
    for (const std::string& example : tally.examples[kind]) out += "    " + example + '\n';
  }
}

}  // namespace

std::string to_text(const Summary& run, bool color) {
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(run.targets.size(), 5); ++i) out += run.targets[i] + '\n';
  if (run.targets.size() > 5) out += fmt::format("and {} more\n", run.targets.size() - 5);
  out += "  " + shape_of(run) + (run.interrupted.empty() ? "" : ", ended by " + run.interrupted) + "\n\n";
  add_figures(out, run);
  add_percentiles(out, run);
  add_bars(out, run.tally.latency);
  add_failures(out, run.tally, color);
  if (!run.warnings.empty()) out += '\n';
  for (const std::string& warning : run.warnings)
    fmt::format_to(std::back_inserter(out), "{}warning: {}{}\n", color ? "\x1b[33m" : "", warning,
                   color ? "\x1b[0m" : "");
  return out;
}

std::string to_plain(const Summary& run) {
  std::string out;
  const auto line = [&out](std::string_view name, const auto& value) {
    fmt::format_to(std::back_inserter(out), "{}\t{}\n", name, value);
  };
  line("requests", run.tally.requests);
  line("seconds", fmt::format("{:.3f}", run.seconds()));
  line("rps", fmt::format("{:.1f}", run.rps()));
  line("bytes", run.tally.bytes_in);
  line("errors", run.tally.failed());
  for (std::size_t kind = 0; kind < kFailures; ++kind)
    if (run.tally.failures[kind] != 0)
      line(fmt::format("errors.{}", name_of(static_cast<Failure>(kind))), run.tally.failures[kind]);
  const auto times = [&](std::string_view prefix, const Histogram& held) {
    for (const double percent : kPercents)
      line(percent == 100 ? fmt::format("{}max_ms", prefix) : fmt::format("{}p{:g}_ms", prefix, percent),
           fmt::format("{:.4f}", static_cast<double>(held.percentile(percent)) / 1e6));
    line(fmt::format("{}mean_ms", prefix), fmt::format("{:.4f}", held.mean() / 1e6));
  };
  times("", run.tally.latency);
  if (run.open_loop) times("raw.", run.tally.raw);
  for (const std::string& warning : run.warnings) line("warning", warning);
  return out;
}

}  // namespace rpx::load
