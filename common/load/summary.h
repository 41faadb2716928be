// Summary: what a run was and what it measured, with the figures that are derived from it. Made when a run has ended,
// or read from a file; shown as text, JSON, CSV, a page or JUnit. A value, any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "load/tally.h"

namespace rpx::load {

struct Summary {
  std::vector<std::string> targets;  ///< "GET http://127.0.0.1:8080/"
  std::string protocol = "http/1.1";
  bool open_loop = false;
  double rate = 0;  ///< asked for, a second; 0 in a closed loop
  int connections = 0;
  int threads = 0;
  int pipeline = 1;  ///< or streams of a connection
  WallTime started{};
  Duration elapsed{};                      ///< until time was up or all was done
  Duration slot{std::chrono::seconds(1)};  ///< of the time series
  Tally tally;
  std::vector<std::string> warnings;    ///< what to know before the figures are believed
  std::optional<double> server_cpu_ns;  ///< of --pid, a request
  std::optional<double> proxy_ns;       ///< mean time the proxy had a request, its servers' included, of --proxy
  std::optional<double> origin_ns;      ///< mean time of those that its servers took to the reply's head, of --proxy
  std::string interrupted;              ///< "SIGINT" where a signal ended it

  double seconds() const noexcept { return std::chrono::duration<double>(elapsed).count(); }
  double rps() const noexcept { return seconds() > 0 ? static_cast<double>(tally.requests) / seconds() : 0; }
  double bytes_per_second() const noexcept {
    return seconds() > 0 ? static_cast<double>(tally.bytes_in) / seconds() : 0;
  }
  /// Everything that was tried: replies, and requests that got none.
  std::uint64_t attempts() const noexcept;
  /// Failures among the attempts, 0 to 1.
  double error_share() const noexcept;
};

/// For people: figures, percentiles, a histogram, failures with examples, warnings. `color` marks what is wrong.
std::string to_text(const Summary& run, bool color);
/// "name TAB value" lines for scripts.
std::string to_plain(const Summary& run);
/// Schema "rpx-bench/1", one object and a newline; the whole histograms included, so that it can be merged.
std::string to_json(const Summary& run);
/// The time series: a line of names, then one line a slot.
std::string to_csv(const Summary& run);
/// Reads what to_json wrote. `name` is for errors: kUsage.
Result<Summary> from_json(const std::string& text, std::string_view name);
/// Runs side by side or one after the other, as one; the time series is dropped.
Summary merge(const std::vector<Summary>& runs);

/// "12.3µs", "4.56ms", "1.23s" of nanoseconds.
std::string time_text(double ns);

}  // namespace rpx::load
