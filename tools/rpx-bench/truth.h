// What may have made a run measure something else than the server: the client's own CPU, stolen CPU, a process that was
// stopped, a schedule that was not kept, ports that ran out. Looked at before and after; main thread.
#pragma once

#include <cstdint>

#include "load/summary.h"

namespace rpx::bench {

/// The machine's CPU time so far, in ticks of all cores together.
struct Machine {
  std::uint64_t steal = 0;
  std::uint64_t all = 0;
  /// Zeros where the kernel does not tell.
  static Machine look();
};

/// How often, and how long, the waiting main thread woke up late.
struct Pauses {
  Duration longest{};
  void note(Duration late) noexcept { longest = late > longest ? late : longest; }
};

/// Adds to run.warnings what there is to know. `before` was looked at when it began.
void add_warnings(load::Summary& run, const Machine& before, const Pauses& pauses);

}  // namespace rpx::bench
