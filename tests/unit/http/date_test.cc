#include "http/date.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using rpx::WallTime;
using rpx::http::format_http_date;
using rpx::http::parse_http_date;

TEST_CASE("date: times print as IMF-fixdate", "[http][rfc9110-5.6.7]") {
  CHECK(format_http_date(WallTime{784111777s}) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(format_http_date(WallTime{0s}) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(format_http_date(WallTime{951782400s}) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(format_http_date(WallTime{1767225599s + 999ms}) == "Wed, 31 Dec 2025 23:59:59 GMT");
}

TEST_CASE("date: three forms are understood", "[http][rfc9110-5.6.7]") {
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    INFO(text);
    CHECK(parse_http_date(text) == WallTime{784111777s});
  }
  CHECK(parse_http_date("Wed, 31 Dec 2025 23:59:59 GMT") == WallTime{1767225599s});
  CHECK(parse_http_date("Wednesday, 31-Dec-25 23:59:59 GMT") == WallTime{1767225599s});
  CHECK(parse_http_date("Wed Dec 31 23:59:59 2025") == WallTime{1767225599s});
}

TEST_CASE("date: every day comes back as it went", "[http]") {
  for (WallTime day{0s}; day < WallTime{86400s * 365 * 80}; day += 86400s * 13 + 3661s)
    CHECK(parse_http_date(format_http_date(day)) == day);
}

TEST_CASE("date: what is no date is none", "[http]") {
  for (const std::string_view text : {"",
                                      "0",
                                      "now",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Xyz, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 31 Feb 1994 08:49:37 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:00:00 GMT",
                                      "Sun, 06 Nov 1994 08:60:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Sun, 06 Nov 1994 8:49:37 GMT",
                                      "Sun, 06 anF 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      " Sun, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 19a4 08:49:37 GMT",
                                      "Sunday, 06-Nov-1994 08:49:37 GMT",
                                      "Sun Nov 6 08:49:37 1994",
                                      "Sun Nov  6 08:49:37 1994 GMT",
                                      "Sun, 06 Nov -994 08:49:37 GMT"}) {
    INFO(text);
    CHECK_FALSE(parse_http_date(text).has_value());
  }
}

TEST_CASE("date: a date cut short anywhere is none", "[http]") {
  constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
  for (std::size_t size = 0; size < kDate.size(); ++size)
    CHECK_FALSE(parse_http_date(kDate.substr(0, size)).has_value());
}
