#include "http/date.h"

#include <array>

#include "base/text.h"

namespace rpx::http {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// What is left of a date while it is read from the front.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}
  bool skip(std::string_view text) noexcept {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  /// The name of a day, whole or its first three letters. The day that a date falls on is not checked: it says nothing
  /// new.
  bool skip_day(bool whole) noexcept {
    for (const std::string_view day : kDays)
      if (skip(whole ? day : day.substr(0, 3))) return true;
    return false;
  }
  std::optional<unsigned> number(std::size_t digits) noexcept {
    const auto value = parse_uint(rest_.substr(0, digits));
    if (!value || rest_.size() < digits) return std::nullopt;
    rest_.remove_prefix(digits);
    return static_cast<unsigned>(*value);
  }
  std::optional<unsigned> month() noexcept {
    if (rest_.size() < 3) return std::nullopt;
    const std::size_t at = kMonths.find(rest_.substr(0, 3));
    if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
    rest_.remove_prefix(3);
    return static_cast<unsigned>(at / 3 + 1);
  }
  /// "08:49:37"
  std::optional<seconds> time() noexcept {
    const auto hour = number(2);
    if (!hour || !skip(":")) return std::nullopt;
    const auto minute = number(2);
    if (!minute || !skip(":")) return std::nullopt;
    const auto second = number(2);
    // 60 is a leap second.
    if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return hours(*hour) + minutes(*minute) + seconds(*second);
  }
  bool done() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<WallTime> assemble(unsigned year_number, unsigned month_number, unsigned day_number,
                                 seconds time) noexcept {
  const year_month_day date{year(static_cast<int>(year_number)), month(month_number), day(day_number)};
  if (!date.ok()) return std::nullopt;
  return WallTime(sys_days(date) + time);
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<WallTime> parse_fixdate(Reader text) noexcept {
  if (!text.skip_day(false) || !text.skip(", ")) return std::nullopt;
  const auto mday = text.number(2);
  if (!mday || !text.skip(" ")) return std::nullopt;
  const auto mon = text.month();
  if (!mon || !text.skip(" ")) return std::nullopt;
  const auto years = text.number(4);
  if (!years || !text.skip(" ")) return std::nullopt;
  const auto time = text.time();
  if (!time || !text.skip(" GMT") || !text.done()) return std::nullopt;
  return assemble(*years, *mon, *mday, *time);
}

/// "Sunday, 06-Nov-94 08:49:37 GMT" (RFC 850). Years below 70 are of this century: before it there was no HTTP to date.
std::optional<WallTime> parse_rfc850(Reader text) noexcept {
  if (!text.skip_day(true) || !text.skip(", ")) return std::nullopt;
  const auto mday = text.number(2);
  if (!mday || !text.skip("-")) return std::nullopt;
  const auto mon = text.month();
  if (!mon || !text.skip("-")) return std::nullopt;
  const auto years = text.number(2);
  if (!years || !text.skip(" ")) return std::nullopt;
  const auto time = text.time();
  if (!time || !text.skip(" GMT") || !text.done()) return std::nullopt;
  return assemble(*years + (*years < 70 ? 2000U : 1900U), *mon, *mday, *time);
}

/// "Sun Nov  6 08:49:37 1994" (asctime)
std::optional<WallTime> parse_asctime(Reader text) noexcept {
  if (!text.skip_day(false) || !text.skip(" ")) return std::nullopt;
  const auto mon = text.month();
  if (!mon || !text.skip(" ")) return std::nullopt;
  const auto mday = text.skip(" ") ? text.number(1) : text.number(2);
  if (!mday || !text.skip(" ")) return std::nullopt;
  const auto time = text.time();
  if (!time || !text.skip(" ")) return std::nullopt;
  const auto years = text.number(4);
  if (!years || !text.done()) return std::nullopt;
  return assemble(*years, *mon, *mday, *time);
}

}  // namespace

std::string format_http_date(WallTime time) {
  const auto midnight = floor<days>(time);
  const year_month_day date{midnight};
  const hh_mm_ss clock{floor<seconds>(time - midnight)};
  std::string out = "Sun, 00 Jan 0000 00:00:00 GMT";
  const auto put = [&out](std::size_t at, std::size_t digits, unsigned value) {
    for (std::size_t i = digits; i-- > 0; value /= 10) out[at + i] = static_cast<char>('0' + value % 10);
  };
  out.replace(0, 3, kDays[weekday(midnight).c_encoding()].substr(0, 3));
  put(5, 2, static_cast<unsigned>(date.day()));
  out.replace(8, 3, kMonths.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3));
  put(12, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put(17, 2, static_cast<unsigned>(clock.hours().count()));
  put(20, 2, static_cast<unsigned>(clock.minutes().count()));
  put(23, 2, static_cast<unsigned>(clock.seconds().count()));
  return out;
}

std::optional<WallTime> parse_http_date(std::string_view text) noexcept {
  if (auto time = parse_fixdate(Reader(text))) return time;
  if (auto time = parse_rfc850(Reader(text))) return time;
  return parse_asctime(Reader(text));
}

}  // namespace rpx::http
