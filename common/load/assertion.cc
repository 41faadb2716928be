#include "load/assertion.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/text.h"
#include "base/units.h"
#include "load/summary.h"

namespace rpx::load {
namespace {

constexpr std::array<std::string_view, 6> kOperators{"<=", ">=", "==", "<", ">", "="};

std::optional<double> parse_number(std::string_view text) noexcept {
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// "p99" "p99.9" of a name, or nothing.
std::optional<double> percent_of(std::string_view name) noexcept {
  if (!name.starts_with('p')) return std::nullopt;
  const auto percent = parse_number(name.substr(1));
  return percent && *percent >= 0 && *percent <= 100 ? percent : std::nullopt;
}

bool is_time(std::string_view name) noexcept {
  for (const std::string_view prefix : {"raw.", "connect."})
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return name == "mean" || name == "min" || name == "max" || percent_of(name);
}

double figure_of(const Histogram& times, std::string_view name) {
  if (name == "mean") return times.mean();
  if (name == "min") return static_cast<double>(times.min());
  if (name == "max") return static_cast<double>(times.max());
  return static_cast<double>(times.percentile(percent_of(name).value_or(50)));
}

double time_of(const Summary& run, std::string_view name) {
  if (name.starts_with("connect.")) return figure_of(run.tally.connect, name.substr(8));
  if (name.starts_with("raw.")) return figure_of(run.open_loop ? run.tally.raw : run.tally.latency, name.substr(4));
  return figure_of(run.tally.latency, name);
}

Error bad_assertion(std::string_view text, std::string_view why) {
  return {ErrorKind::kUsage, Side::kSelf, fmt::format("\"{}\": {}", text, why)};
}

}  // namespace

Result<Assertion> Assertion::parse(std::string_view text) {
  Assertion out;
  out.text_ = text;
  const std::size_t at = text.find_first_of("<>=");
  if (at == std::string_view::npos)
    return std::unexpected(bad_assertion(text, "no condition; write p99<20ms, errors<0.1% or rps>5000"));
  out.name_ = trim(text.substr(0, at));
  std::string_view rest = text.substr(at);
  for (const std::string_view one : kOperators) {
    if (!rest.starts_with(one)) continue;
    out.operator_ = one;
    rest = trim(rest.substr(one.size()));
    break;
  }
  if (is_time(out.name_)) {
    const auto value = parse_duration(rest);
    if (!value) return std::unexpected(bad_assertion(text, "a time such as 20ms has to follow"));
    out.unit_ = Unit::kTime;
    out.value_ = static_cast<double>(value->count());
    return out;
  }
  if (out.name_ == "bytes") {
    const auto value = parse_size(rest.ends_with("/s") ? rest.substr(0, rest.size() - 2) : rest);
    if (!value) return std::unexpected(bad_assertion(text, "a size such as 10MB has to follow"));
    out.value_ = static_cast<double>(*value);
    return out;
  }
  if (out.name_ != "rps" && out.name_ != "requests" && out.name_ != "errors")
    return std::unexpected(bad_assertion(
        text, "no such figure; there are rps, requests, errors, bytes, mean, min, max and p50 to p99.99"));
  const bool share = rest.ends_with('%') && out.name_ == "errors";
  if (share) rest.remove_suffix(1);
  const auto value = parse_number(rest);
  if (!value) return std::unexpected(bad_assertion(text, "a number has to follow"));
  out.unit_ = share ? Unit::kShare : Unit::kNumber;
  out.value_ = share ? *value / 100 : *value;
  return out;
}

bool Assertion::compare(double found) const noexcept {
  if (operator_ == "<") return found < value_;
  if (operator_ == "<=") return found <= value_;
  if (operator_ == ">") return found > value_;
  if (operator_ == ">=") return found >= value_;
  return found == value_;
}

bool Assertion::is_latency_limit() const noexcept { return unit_ == Unit::kTime && operator_.starts_with('<'); }

Assertion::Outcome Assertion::check(const Summary& run) const {
  if (unit_ == Unit::kTime) {
    if (run.tally.latency.count() == 0) return {false, text_ + ": there was no reply"};
    const double found = time_of(run, name_);
    return {compare(found), fmt::format("{}: {}", text_, time_text(found))};
  }
  if (unit_ == Unit::kShare) {
    const double found = run.error_share();
    return {compare(found), fmt::format("{}: {:.4g}%", text_, found * 100)};
  }
  double found = 0;
  if (name_ == "errors") found = static_cast<double>(run.tally.failed());
  if (name_ == "requests") found = static_cast<double>(run.tally.requests);
  if (name_ == "rps") found = run.rps();
  if (name_ == "bytes") found = run.bytes_per_second();
  return {compare(found), fmt::format("{}: {:.6g}", text_, found)};
}

}  // namespace rpx::load
