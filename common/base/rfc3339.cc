#include "base/rfc3339.h"

#include "base/text.h"

namespace rpx {
namespace {

/// Takes exactly `digits` digits off the front of `text`; nothing when they are not there or past `most`.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits, unsigned least, unsigned most) {
  if (text.size() < digits) return std::nullopt;
  const auto value = parse_uint(text.substr(0, digits));
  text.remove_prefix(digits);
  if (!value || *value < least || *value > most) return std::nullopt;
  return static_cast<unsigned>(*value);
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

/// "Z", "+02:00", "-01:30": how far the clock is ahead of UTC.
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return std::chrono::minutes(0);
  const bool ahead = take(text, '+');
  if (!ahead && !take(text, '-')) return std::nullopt;
  const auto hours = take_number(text, 2, 0, 23);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2, 0, 59);
  if (!minutes) return std::nullopt;
  const std::chrono::minutes span(*hours * 60 + *minutes);
  return ahead ? span : -span;
}

/// ".678": what of a second lies before it; digits past the ninth change nothing.
std::optional<std::chrono::nanoseconds> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return std::chrono::nanoseconds(0);
  std::int64_t value = 0;
  std::int64_t scale = 1'000'000'000;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    if (scale == 1) continue;
    value = value * 10 + (text[digits] - '0');
    scale /= 10;
  }
  text.remove_prefix(digits);
  if (digits == 0) return std::nullopt;
  return std::chrono::nanoseconds(value * scale);
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) noexcept {
  using namespace std::chrono;
  const auto year_number = take_number(text, 4, 1970, 2105);
  if (!year_number || !take(text, '-')) return std::nullopt;
  const auto month_number = take_number(text, 2, 1, 12);
  if (!month_number || !take(text, '-')) return std::nullopt;
  const auto day_number = take_number(text, 2, 1, 31);
  if (!day_number) return std::nullopt;
  const year_month_day date{year(static_cast<int>(*year_number)), month(*month_number), day(*day_number)};
  if (!date.ok()) return std::nullopt;
  if (text.empty()) return WallTime(sys_days(date));
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return std::nullopt;
  const auto hour = take_number(text, 2, 0, 23);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2, 0, 59);
  if (!minute || !take(text, ':')) return std::nullopt;
  const auto second = take_number(text, 2, 0, 60);
  if (!second) return std::nullopt;
  const auto fraction = take_fraction(text);
  const auto offset = fraction ? take_offset(text) : std::nullopt;
  if (!offset || !text.empty()) return std::nullopt;
  const auto at = sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second) - *offset;
  return WallTime(at) + duration_cast<WallTime::duration>(*fraction);
}

}  // namespace rpx
