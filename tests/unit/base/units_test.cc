#include "base/units.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

TEST_CASE("units: durations are a number and one unit", "[base]") {
  const std::pair<std::string_view, rpx::Duration> rows[] = {
      {"250ms", 250ms}, {"30s", 30s},     {"5m", 5min},     {"1h", 1h},   {"7d", 7 * 24h}, {"0", 0s},
      {"0s", 0s},       {"1.5s", 1500ms}, {"0.25h", 15min}, {"3us", 3us}, {"1ns", 1ns},    {"3650d", 3650 * 24h},
  };
  for (const auto& [text, value] : rows) {
    INFO(text);
    CHECK(rpx::parse_duration(text) == value);
  }
  for (const std::string_view bad : {"", "s", "5", "-1s", "+1s", "1 s", "1s ", " 1s", "1.s", ".5s", "1e3s", "1h30m",
                                     "1S", "1min", "3651d", "99999999999999999999s", "1.1234567890s", "0x1s"}) {
    INFO(bad);
    CHECK_FALSE(rpx::parse_duration(bad).has_value());
  }
}

TEST_CASE("units: durations print as the shortest text that parses back", "[base]") {
  const std::pair<rpx::Duration, std::string_view> rows[] = {{0s, "0s"},       {60s, "1m"},      {90s, "90s"},
                                                             {250ms, "250ms"}, {24h, "1d"},      {1500us, "1500us"},
                                                             {1ns, "1ns"},     {100min, "100m"}, {120min, "2h"}};
  for (const auto& [value, text] : rows) {
    CHECK(rpx::format_duration(value) == text);
    CHECK(rpx::parse_duration(text) == value);
  }
  CHECK(rpx::format_duration(rpx::kForever) == "forever");
}

TEST_CASE("units: sizes are bytes, decimal or binary multiples", "[base]") {
  const std::pair<std::string_view, rpx::Size> rows[] = {
      {"0", 0},
      {"512", 512},
      {"500B", 500},
      {"1KB", 1000},
      {"16KiB", 16384},
      {"10MB", 10'000'000},
      {"1GiB", 1ULL << 30},
      {"1.5KiB", 1536},
      {"2TiB", 1ULL << 41},
      {"9223372036854775807", (1ULL << 63) - 1},
  };
  for (const auto& [text, value] : rows) {
    INFO(text);
    CHECK(rpx::parse_size(text) == value);
  }
  for (const std::string_view bad :
       {"", "KiB", "-1", "1 KiB", "1kib", "1K", "1.5", "1.5B", "9223372036854775808", "8388608TiB", "1Ki"}) {
    INFO(bad);
    CHECK_FALSE(rpx::parse_size(bad).has_value());
  }
}

TEST_CASE("units: sizes print as the shortest text that parses back", "[base]") {
  for (const rpx::Size value :
       {0ULL, 1ULL, 1000ULL, 1024ULL, 1536ULL, 32768ULL, 10'000'000ULL, 10'485'760ULL, (1ULL << 63) - 1}) {
    INFO(value);
    CHECK(rpx::parse_size(rpx::format_size(value)) == value);
  }
  CHECK(rpx::format_size(32 * 1024) == "32KiB");
  CHECK(rpx::format_size(10'000'000) == "10MB");
  CHECK(rpx::format_size(1001) == "1001B");
}

TEST_CASE("units: rates are counts a second, minute or hour", "[base]") {
  CHECK(rpx::parse_rate("100/s")->per_second == Approx(100));
  CHECK(rpx::parse_rate("600/m")->per_second == Approx(10));
  CHECK(rpx::parse_rate("3600/h")->per_second == Approx(1));
  CHECK(rpx::parse_rate("0.5/s")->per_second == Approx(0.5));
  for (const std::string_view bad : {"", "1", "/s", "1/", "1/d", "1 /s", "-1/s"})
    CHECK_FALSE(rpx::parse_rate(bad).has_value());
  for (const std::string_view text : {"100/s", "10/m", "100/h", "1/s", "7/m"})
    CHECK(rpx::format_rate(*rpx::parse_rate(text)) == text);
}

TEST_CASE("units: byte rates say what is counted", "[base]") {
  CHECK(rpx::parse_byte_rate("500B/s") == 500U);
  CHECK(rpx::parse_byte_rate("100KB/s") == 100'000U);
  CHECK(rpx::parse_byte_rate("0") == 0U);
  for (const std::string_view bad : {"", "500", "500/s", "B/s", "100KB", "100KB/m"})
    CHECK_FALSE(rpx::parse_byte_rate(bad).has_value());
  CHECK(rpx::format_byte_rate(0) == "0");
  CHECK(rpx::parse_byte_rate(rpx::format_byte_rate(123'456)) == 123'456U);
}

TEST_CASE("units: times print as RFC 3339 in UTC", "[base][rfc3339]") {
  CHECK(rpx::format_rfc3339(rpx::WallTime{}) == "1970-01-01T00:00:00.000Z");
  CHECK(rpx::format_rfc3339(rpx::WallTime{1767323045678ms}) == "2026-01-02T03:04:05.678Z");
  CHECK(rpx::format_rfc3339(rpx::WallTime{-1ms}) == "1969-12-31T23:59:59.999Z");
  CHECK(rpx::format_rfc3339(rpx::WallTime{951782400000ms}) == "2000-02-29T00:00:00.000Z");
}
