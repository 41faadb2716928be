#include "upstream/ejection.h"

#include <catch2/catch.hpp>

namespace rpx::upstream {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const Instant kNow = Instant(std::chrono::hours(1));
constexpr EjectOptions kByRow{.errors = 3};
constexpr EjectOptions kByShare{.errors = 0, .failure_rate = 0.5};

TEST_CASE("ejection: how many may be out is rounded down, but one may go where two are", "[upstream]") {
  struct Row {
    std::size_t servers;
    double share;
    std::size_t most;
  };
  const Row row = GENERATE(values<Row>({{1, 1, 0},
                                        {2, 0.5, 1},
                                        {3, 0.5, 1},
                                        {4, 0.5, 2},
                                        {10, 0.1, 1},
                                        {10, 0.3, 3},
                                        {3, 0.1, 1},
                                        {3, 0, 0},
                                        {3, 1, 3}}));
  CAPTURE(row.servers, row.share);
  CHECK(most_ejected(row.servers, row.share) == row.most);
}

TEST_CASE("ejection: the time doubles up to five minutes", "[upstream]") {
  CHECK(ejection_time(seconds(10), 1) == seconds(10));
  CHECK(ejection_time(seconds(10), 2) == seconds(20));
  CHECK(ejection_time(seconds(10), 5) == seconds(160));
  CHECK(ejection_time(seconds(10), 6) == minutes(5));
  CHECK(ejection_time(seconds(10), 1000) == minutes(5));
  CHECK(ejection_time(minutes(9), 3) == minutes(9));
}

TEST_CASE("ejection: failures in a row count, and one success forgets them", "[upstream]") {
  Ejection ejection;
  CHECK(ejection.failed(kByRow, 1, kNow).empty());
  CHECK(ejection.failed(kByRow, 2, kNow).empty());
  ejection.succeeded();
  CHECK(ejection.failed(kByRow, 4, kNow).empty());
  CHECK(ejection.failed(kByRow, 5, kNow).empty());
  CHECK(ejection.failed(kByRow, 6, kNow) == "3 failures in a row");
}

TEST_CASE("ejection: the share of failures counts once there are twenty requests", "[upstream]") {
  Ejection ejection;
  std::uint64_t requests = 100;
  for (int i = 0; i < 9; ++i) {
    requests += 2;
    ejection.succeeded();
    CHECK(ejection.failed(kByShare, requests, kNow).empty());
  }
  requests += 2;
  CHECK(ejection.failed(kByShare, requests, kNow).empty());
  requests += 1;
  CHECK(ejection.failed(kByShare, requests, kNow) == "11 of 20 requests failed");
}

TEST_CASE("ejection: failures of long ago have no part in the share", "[upstream]") {
  Ejection ejection;
  for (std::uint64_t i = 1; i < 20; ++i) CHECK(ejection.failed(kByShare, i, kNow).empty());
  CHECK(ejection.failed(kByShare, 20, kNow + seconds(11)).empty());
}

TEST_CASE("ejection: one request tries the server once its time is over", "[upstream]") {
  Ejection ejection;
  CHECK(ejection.begin(kByRow, kNow, "why") == seconds(10));
  CHECK_FALSE(ejection.is_due(kNow + seconds(9)));
  CHECK_FALSE(ejection.begin_trial(kNow + seconds(9), seconds(5)));
  const Instant over = kNow + seconds(10);
  REQUIRE(ejection.is_due(over));
  CHECK(ejection.begin_trial(over, seconds(5)));
  CHECK(ejection.on_trial());
  CHECK_FALSE(ejection.begin_trial(over, seconds(5)));
  // The first one was never heard of again.
  CHECK(ejection.begin_trial(over + seconds(5), seconds(5)));
  CHECK(ejection.why() == "why");
  CHECK(ejection.count() == 1);
}

TEST_CASE("ejection: a failed trial, or one soon after, doubles the time; a good while forgets", "[upstream]") {
  Ejection ejection;
  ejection.begin(kByRow, kNow, "why");
  Instant now = kNow + seconds(10);
  REQUIRE(ejection.begin_trial(now, seconds(5)));
  CHECK(ejection.begin(kByRow, now, "why") == seconds(20));
  now += seconds(20);
  REQUIRE(ejection.begin_trial(now, seconds(5)));
  ejection.end(now);
  CHECK_FALSE(ejection.on_trial());
  CHECK(ejection.begin(kByRow, now + seconds(15), "why") == seconds(40));
  ejection.end(now + seconds(70));
  CHECK(ejection.begin(kByRow, now + seconds(111), "why") == seconds(10));
}

}  // namespace
}  // namespace rpx::upstream
