#include "truth.h"

#include <fmt/format.h>

#include <fstream>
#include <string>

namespace rpx::bench {
namespace {

// Of a core: above this a thread of ours was as much the limit as the server was.
constexpr double kBusy = 0.9;
constexpr double kStolen = 0.02;
constexpr auto kLongPause = std::chrono::milliseconds(100);
constexpr double kLateNs = 2e6;

}  // namespace

Machine Machine::look() {
  Machine out;
  std::ifstream file("/proc/stat");
  std::string name;
  file >> name;
  // user nice system idle iowait irq softirq steal
  for (int i = 0; i < 8; ++i) {
    std::uint64_t ticks = 0;
    file >> ticks;
    out.all += ticks;
    if (i == 7) out.steal = ticks;
  }
  return file ? out : Machine{};
}

void add_warnings(load::Summary& run, const Machine& before, const Pauses& pauses) {
  const load::Tally& tally = run.tally;
  const auto warn = [&run](std::string text) { run.warnings.push_back(std::move(text)); };
  const double busy = std::chrono::duration<double>(tally.cpu).count() / std::max(run.seconds() * run.threads, 1e-9);
  if (busy > kBusy && run.seconds() > 0.1)
    warn(
        fmt::format("the client was busy {:.0f}% of the time: it may be what was measured; more --threads help where "
                    "there are cores for them",
                    busy * 100));
  if (tally.out_of_ports != 0)
    warn(
        fmt::format("{} connections found no free local port; keep connections alive, or widen "
                    "net.ipv4.ip_local_port_range",
                    tally.out_of_ports));
  if (tally.unsent != 0)
    warn(
        fmt::format("{} requests were due and not sent: all {} connections were waiting for replies; the latencies "
                    "count them as they were when time was up",
                    tally.unsent, run.connections));
  if (const auto late = static_cast<double>(tally.lag.percentile(99)); run.open_loop && late > kLateNs)
    warn(
        fmt::format("sends fell behind the schedule by {} at p99 although connections were free: the client was too "
                    "slow",
                    load::time_text(late)));
  const Machine now = Machine::look();
  if (now.all > before.all) {
    const double stolen = static_cast<double>(now.steal - before.steal) / static_cast<double>(now.all - before.all);
    if (stolen > kStolen)
      warn(fmt::format("{:.1f}% of the CPU was stolen by other machines on the same host", stolen * 100));
  }
  if (pauses.longest > kLongPause)
    warn(fmt::format("this process stood still for {}; the machine is overloaded, or was suspended",
                     load::time_text(static_cast<double>(pauses.longest.count()))));
}

}  // namespace rpx::bench
