// Tally: what one thread of a run has measured, and how those of all threads become one. Filled by the clients of a
// thread; read by others when that thread has ended.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "load/histogram.h"
#include "load/outcome.h"

namespace rpx::load {

/// One step of the time series.
struct Slot {
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  std::uint64_t bytes = 0;
  CoarseHistogram latency;
};

struct Tally {
  /// Until the reply was whole; in an open loop from when the request was due, in a closed one from its sending.
  Histogram latency;
  /// Of an open loop: the same from its sending, as one would measure who does not know of the schedule.
  Histogram raw;
  /// Of an open loop: how late requests left although a connection was waiting.
  Histogram lag;
  Histogram connect;                       ///< until a connection could be used, TLS included
  std::uint64_t requests = 0;              ///< replies that came whole
  std::uint64_t sent = 0;                  ///< requests given to a connection
  std::uint64_t bytes_in = 0;              ///< heads and framing included
  std::uint64_t bytes_out = 0;             ///< likewise
  std::uint64_t resumed = 0;               ///< TLS sessions taken up again
  std::uint64_t unfinished = 0;            ///< under way when time was up
  std::uint64_t unsent = 0;                ///< of an open loop: due, and no connection was free until time was up
  std::uint64_t out_of_ports = 0;          ///< connections for want of a local port
  std::array<std::uint64_t, 6> classes{};  ///< replies by the first digit of their status; 0 for others
  std::array<std::uint64_t, kFailures> failures{};
  std::array<std::vector<std::string>, kFailures> examples;  ///< at most kExamples each
  std::vector<Slot> series;
  Duration cpu{};  ///< of the thread

  static constexpr std::size_t kExamples = 3;

  /// Counts a failure; `detail` is kept where it is one of the first of its kind.
  void fail(Failure failure, std::string_view detail);
  bool wants_example(Failure failure) const noexcept {
    return examples[static_cast<std::size_t>(failure)].size() < kExamples;
  }
  std::uint64_t failed() const noexcept;
  void merge(const Tally& other);
};

}  // namespace rpx::load
