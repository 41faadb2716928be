#include "load/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "control/json.h"

namespace rpx::load {
namespace {

// Student's t for 99 % of both sides, by degrees of freedom from 1 on: several figures are judged at once, and all of
// them together shall be right 19 times of 20.
constexpr std::array<double, 30> kStudent{63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169,
                                          3.106,  3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845,
                                          2.831,  2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750};
// More uncertainty than this says nothing.
constexpr double kTooWide = 0.15;
constexpr std::size_t kFewest = 3;

double student(double freedom) noexcept {
  if (freedom < 1) return kStudent[0];
  const auto at = static_cast<std::size_t>(freedom) - 1;
  return at < kStudent.size() ? kStudent[at] : 2.576 + 5.2 / freedom;
}

struct Moments {
  double mean = 0;
  double variance = 0;  // of the mean
};

Moments moments_of(const std::vector<double>& values) noexcept {
  const auto count = static_cast<double>(values.size());
  Moments out;
  for (const double value : values) out.mean += value / count;
  for (const double value : values) out.variance += (value - out.mean) * (value - out.mean);
  out.variance /= (count - 1) * count;
  return out;
}

// Where the change lies, as logarithms.
struct Interval {
  double low = 0;
  double middle = 0;
  double high = 0;
};

void judge(Comparison& out, const Interval& change, Judgement judgement) {
  out.change = std::expm1(change.middle);
  out.low = std::expm1(change.low);
  out.high = std::expm1(change.high);
  const bool sure = out.low > 0 || out.high < 0;
  const bool small = std::abs(out.change) < judgement.least;
  if (sure && !small)
    out.verdict = (out.change > 0) != out.is_time ? Change::kBetter : Change::kWorse;
  else
    out.verdict = change.high - change.low > 2 * kTooWide ? Change::kUnclear : Change::kSame;
}

// How many of the smallest and of the largest Walsh averages of `count` pairs lie outside of the interval of 99 %: the
// largest rank sum of Wilcoxon's signed-rank test that chance reaches in less than 0.5 % of cases, exactly. Nothing
// when there are too few pairs to be that sure.
std::optional<std::size_t> outside_of_interval(std::size_t count) {
  // Of all ways to sign the ranks, the share that comes to each sum.
  std::vector<double> share(count * (count + 1) / 2 + 1, 0);
  share[0] = 1;
  std::size_t highest = 0;
  for (std::size_t rank = 1; rank <= count; ++rank) {
    highest += rank;
    for (std::size_t sum = highest + 1; sum-- > 0;)
      share[sum] = share[sum] / 2 + (sum >= rank ? share[sum - rank] / 2 : 0);
  }
  std::size_t sums = 0;
  for (double below = share[0]; below <= 0.005; below += share[sums]) ++sums;
  return sums == 0 ? std::nullopt : std::optional(sums - 1);
}

// The middle of all means of two (Hodges and Lehmann) with the interval of the signed-rank test: a few pairs that
// something disturbed move it little, while they would widen an interval by Student's t until it said nothing.
std::optional<Interval> robust_interval(const std::vector<double>& values) {
  const std::optional<std::size_t> outside = outside_of_interval(values.size());
  if (!outside) return std::nullopt;
  std::vector<double> averages;
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = i; j < values.size(); ++j) averages.push_back((values[i] + values[j]) / 2);
  std::ranges::sort(averages);
  const std::size_t count = averages.size();
  return Interval{averages[*outside], (averages[(count - 1) / 2] + averages[count / 2]) / 2,
                  averages[count - 1 - *outside]};
}

std::vector<double> logarithms(const std::vector<double>& values) {
  std::vector<double> out;
  for (const double value : values) out.push_back(std::log(std::max(value, 1e-9)));
  return out;
}

double mean_of(const std::vector<double>& values) noexcept { return values.empty() ? 0 : moments_of(values).mean; }

template <class Figure>
std::vector<double> series_of(const Summary& run, Figure figure) {
  std::vector<double> out;
  // The first moment is warm-up more often than not, and the last one may be a part.
  const std::size_t count = run.tally.series.size();
  for (std::size_t i = count > 4 ? 1 : 0; i + 1 < count; ++i)
    if (run.tally.series[i].requests != 0) out.push_back(figure(run.tally.series[i]));
  return out;
}

std::string shown(const Comparison& one, double value) {
  return one.is_time ? time_text(value) : fmt::format("{:.1f}", value);
}

}  // namespace

std::string_view name_of(Change change) noexcept {
  switch (change) {
    case Change::kSame: return "no change";
    case Change::kBetter: return "better";
    case Change::kWorse: return "worse";
    case Change::kUnclear: break;
  }
  return "too noisy to tell";
}

Comparison compare_pairs(std::string figure, bool is_time, const std::vector<double>& before,
                         const std::vector<double>& after, Judgement judgement) {
  Comparison out{std::move(figure), mean_of(before), mean_of(after), 0, 0, 0, Change::kUnclear, is_time};
  const std::size_t count = std::min(before.size(), after.size());
  if (count < kFewest) return out;
  const std::vector<double> first = logarithms(before);
  std::vector<double> ratios = logarithms(after);
  ratios.resize(count);
  for (std::size_t i = 0; i < count; ++i) ratios[i] -= first[i];
  const Moments moments = moments_of(ratios);
  const double half = student(static_cast<double>(count - 1)) * std::sqrt(moments.variance);
  judge(out, robust_interval(ratios).value_or(Interval{moments.mean - half, moments.mean, moments.mean + half}),
        judgement);
  return out;
}

Comparison compare_groups(std::string figure, bool is_time, const std::vector<double>& before,
                          const std::vector<double>& after, Judgement judgement) {
  Comparison out{std::move(figure), mean_of(before), mean_of(after), 0, 0, 0, Change::kUnclear, is_time};
  if (before.size() < kFewest || after.size() < kFewest) return out;
  const Moments left = moments_of(logarithms(before));
  const Moments right = moments_of(logarithms(after));
  const double both = left.variance + right.variance;
  const double freedom = both == 0 ? 30
                                   : both * both /
                                         (left.variance * left.variance / static_cast<double>(before.size() - 1) +
                                          right.variance * right.variance / static_cast<double>(after.size() - 1));
  const double half = student(freedom) * std::sqrt(both);
  const double change = right.mean - left.mean;
  judge(out, {change - half, change, change + half}, judgement);
  return out;
}

std::vector<Comparison> compare_runs(const Summary& before, const Summary& after, Judgement judgement) {
  std::vector<Comparison> out;
  const auto requests = [](const Slot& slot) { return static_cast<double>(slot.requests); };
  const auto at = [](double percent) {
    return [percent](const Slot& slot) { return static_cast<double>(slot.latency.percentile(percent)); };
  };
  // A rate that was asked for says nothing of the server.
  if (!before.open_loop && !after.open_loop)
    out.push_back(compare_groups("rps", false, series_of(before, requests), series_of(after, requests), judgement));
  for (const double percent : {50.0, 99.0})
    out.push_back(compare_groups(fmt::format("p{:g}", percent), true, series_of(before, at(percent)),
                                 series_of(after, at(percent)), judgement));
  return out;
}

std::string to_text(const std::vector<Comparison>& comparisons) {
  std::string out;
  for (const Comparison& one : comparisons)
    fmt::format_to(std::back_inserter(out), "  {:<5} {:>10} → {:>10}  {:>+6.1f}%  ({:+.1f}% to {:+.1f}%)  {}\n",
                   one.figure, shown(one, one.before), shown(one, one.after), one.change * 100, one.low * 100,
                   one.high * 100, name_of(one.verdict));
  return out;
}

std::string to_json(const std::vector<Comparison>& comparisons) {
  control::Json json;
  json.open_object().member("schema", "rpx-bench-comparison/1").member("verdict", name_of(overall(comparisons)));
  json.key("figures").open_array();
  for (const Comparison& one : comparisons) {
    const double unit = one.is_time ? 1e6 : 1;
    json.open_object().member("figure", one.is_time ? one.figure + "_ms" : one.figure);
    json.member("before", one.before / unit).member("after", one.after / unit).member("change", one.change);
    json.member("low", one.low).member("high", one.high).member("verdict", name_of(one.verdict)).close_object();
  }
  json.close_array().close_object();
  return json.take() + '\n';
}

Change overall(const std::vector<Comparison>& comparisons) noexcept {
  for (const Change one : {Change::kWorse, Change::kUnclear, Change::kBetter})
    if (std::ranges::find(comparisons, one, &Comparison::verdict) != comparisons.end()) return one;
  return Change::kSame;
}

}  // namespace rpx::load
