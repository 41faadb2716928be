#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace rpx {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// From the largest to the smallest, so that the shortest text is found first.
constexpr std::array<Unit, 7> kDurations{{{"d", 86'400'000'000'000},
                                          {"h", 3'600'000'000'000},
                                          {"m", 60'000'000'000},
                                          {"s", 1'000'000'000},
                                          {"ms", 1'000'000},
                                          {"us", 1'000},
                                          {"ns", 1}}};
constexpr std::array<Unit, 9> kSizes{{{"TiB", 1ULL << 40},
                                      {"TB", 1'000'000'000'000},
                                      {"GiB", 1ULL << 30},
                                      {"GB", 1'000'000'000},
                                      {"MiB", 1ULL << 20},
                                      {"MB", 1'000'000},
                                      {"KiB", 1ULL << 10},
                                      {"KB", 1'000},
                                      {"B", 1}}};
constexpr std::array<Unit, 3> kPeriods{{{"/s", 1}, {"/m", 60}, {"/h", 3600}}};
constexpr std::uint64_t kLongest = 3650 * kDurations[0].factor;
constexpr std::uint64_t kLargest = (1ULL << 63) - 1;

struct Number {
  std::uint64_t whole = 0;
  double fraction = 0;  ///< 0 up to but not including 1
  std::string_view rest;
};

/// "12", "1.5", then anything. At most nine decimals, so that they stay exact in a double.
std::optional<Number> parse_number(std::string_view text) noexcept {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto whole = parse_uint(text.substr(0, end));
  if (!whole) return std::nullopt;
  Number out{*whole, 0, text.substr(end)};
  if (!out.rest.starts_with('.')) return out;
  out.rest.remove_prefix(1);
  const std::size_t digits = std::min(out.rest.find_first_not_of("0123456789"), out.rest.size());
  const auto decimals = parse_uint(out.rest.substr(0, digits));
  if (!decimals || digits > 9) return std::nullopt;
  out.fraction = static_cast<double>(*decimals) / std::pow(10.0, static_cast<double>(digits));
  out.rest.remove_prefix(digits);
  return out;
}

/// `number` times `factor`, if that is at most `most`.
std::optional<std::uint64_t> scaled(const Number& number, std::uint64_t factor, std::uint64_t most) noexcept {
  if (number.whole > most / factor) return std::nullopt;
  const auto part = static_cast<std::uint64_t>(std::llround(number.fraction * static_cast<double>(factor)));
  const std::uint64_t value = number.whole * factor;
  if (part > most - value) return std::nullopt;
  return value + part;
}

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) noexcept {
  for (const Unit& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

/// `value` in each unit that divides it; the shortest text, and of equals the larger unit.
template <std::size_t N>
std::string shortest(const std::array<Unit, N>& units, std::uint64_t value) {
  std::string best;
  for (const Unit& unit : units) {
    if (value % unit.factor != 0) continue;
    std::string text = fmt::format("{}{}", value / unit.factor, unit.name);
    if (best.empty() || text.size() < best.size()) best = std::move(text);
  }
  return best;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) noexcept {
  if (text == "0") return Duration{0};
  const auto number = parse_number(text);
  if (!number) return std::nullopt;
  const Unit* unit = find_unit(kDurations, number->rest);
  if (unit == nullptr) return std::nullopt;
  const auto value = scaled(*number, unit->factor, kLongest);
  if (!value) return std::nullopt;
  return Duration{static_cast<std::int64_t>(*value)};
}

std::optional<Size> parse_size(std::string_view text) noexcept {
  const auto number = parse_number(text);
  if (!number) return std::nullopt;
  const Unit* unit = number->rest.empty() ? &kSizes.back() : find_unit(kSizes, number->rest);
  if (unit == nullptr || (unit->factor == 1 && number->fraction != 0)) return std::nullopt;
  return scaled(*number, unit->factor, kLargest);
}

std::optional<Rate> parse_rate(std::string_view text) noexcept {
  const auto number = parse_number(text);
  if (!number) return std::nullopt;
  const Unit* period = find_unit(kPeriods, number->rest);
  if (period == nullptr) return std::nullopt;
  return Rate{(static_cast<double>(number->whole) + number->fraction) / static_cast<double>(period->factor)};
}

std::optional<Size> parse_byte_rate(std::string_view text) noexcept {
  if (text == "0") return 0;
  if (!text.ends_with("/s")) return std::nullopt;
  text.remove_suffix(2);
  // A bare count would leave open what is counted.
  if (text.empty() || text.back() != 'B') return std::nullopt;
  return parse_size(text);
}

std::string format_duration(Duration value) {
  if (value == kForever) return "forever";
  if (value == Duration::zero()) return "0s";
  if (value < Duration::zero()) return "-" + format_duration(-value);
  return shortest(kDurations, static_cast<std::uint64_t>(value.count()));
}

std::string format_size(Size value) { return value == 0 ? "0" : shortest(kSizes, value); }

std::string format_rate(Rate value) {
  for (const Unit& period : kPeriods) {
    const double count = value.per_second * static_cast<double>(period.factor);
    // Sums of thirds and the like are a hair off the whole number that was written.
    const double whole = std::round(count);
    if (whole >= 1 && std::abs(count - whole) < 1e-9 * whole) return fmt::format("{:.0f}{}", whole, period.name);
  }
  return fmt::format("{}/s", value.per_second);
}

std::string format_byte_rate(Size value) { return value == 0 ? "0" : shortest(kSizes, value) + "/s"; }

std::string format_rfc3339(WallTime value) {
  using namespace std::chrono;
  const auto day = floor<days>(value);
  const year_month_day date{day};
  const hh_mm_ss time{floor<milliseconds>(value - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

}  // namespace rpx
