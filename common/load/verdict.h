// Verdicts on two runs: whether one is better, worse or the same, and how sure that is; from samples taken in turns.
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "load/summary.h"

namespace rpx::load {

enum class Change : std::uint8_t { kSame, kBetter, kWorse, kUnclear };

/// "no change", "better", "worse", "too noisy to tell".
std::string_view name_of(Change change) noexcept;

struct Comparison {
  std::string figure;  ///< "rps", "p50", "p99"
  double before = 0;   ///< mean of the samples
  double after = 0;
  double change = 0;  ///< of the second against the first: 0.1 is 10 % more
  double low = 0;     ///< the change lies between these with 99 % confidence
  double high = 0;
  Change verdict = Change::kUnclear;
  bool is_time = false;  ///< nanoseconds, and less is better
};

/// How sure, and what counts.
struct Judgement {
  double least = 0.02;  ///< a smaller change is none, however sure
};

/// Samples of the same moments in pairs: what disturbs both cancels out, and a few pairs where one was disturbed alone
/// count for little (from 8 pairs on, by Wilcoxon's signed ranks). At least 3 pairs; the same number of each.
Comparison compare_pairs(std::string figure, bool is_time, const std::vector<double>& before,
                         const std::vector<double>& after, Judgement judgement);
/// Samples that have nothing to do with each other (Welch).
Comparison compare_groups(std::string figure, bool is_time, const std::vector<double>& before,
                          const std::vector<double>& after, Judgement judgement);

/// Two runs by their time series: rps of closed loops, p50 and p99. Fewer than 3 whole moments are kUnclear.
std::vector<Comparison> compare_runs(const Summary& before, const Summary& after, Judgement judgement);

/// A line a comparison, as a table for people.
std::string to_text(const std::vector<Comparison>& comparisons);
std::string to_json(const std::vector<Comparison>& comparisons);
/// By its worst part: kWorse before kUnclear before kBetter before kSame.
Change overall(const std::vector<Comparison>& comparisons) noexcept;

}  // namespace rpx::load
