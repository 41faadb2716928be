#include "base/rfc3339.h"

#include <catch2/catch.hpp>

using namespace rpx;

TEST_CASE("rfc3339: times are read as format_rfc3339 writes them", "[base][rfc3339-5.6]") {
  const auto [text, same] = GENERATE(table<const char*, const char*>({
      {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"},
      {"2026-01-02t03:04:05.678z", "2026-01-02T03:04:05.678Z"},
      {"2026-01-02 03:04:05+02:00", "2026-01-02T01:04:05.000Z"},
      {"2026-12-31T23:30:00-01:30", "2027-01-01T01:00:00.000Z"},
      {"2024-02-29", "2024-02-29T00:00:00.000Z"},
      {"1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000Z"},
      {"2026-01-02T03:04:05.0000000001234Z", "2026-01-02T03:04:05.000Z"},
  }));
  const auto time = parse_rfc3339(text);
  REQUIRE(time);
  CHECK(format_rfc3339(*time) == same);
}

TEST_CASE("rfc3339: anything else is no time", "[base][rfc3339-5.6]") {
  const auto* text = GENERATE("", "2026", "2026-13-01", "2026-02-29", "2026-01-02T", "2026-01-02T03:04Z",
                              "2026-01-02T03:04:05", "2026-01-02T24:00:00Z", "2026-01-02T03:04:05.Z",
                              "2026-01-02T03:04:05+2:00", "2026-01-02T03:04:05Zx", "+026-01-02", "1969-12-31");
  CHECK_FALSE(parse_rfc3339(text));
}
