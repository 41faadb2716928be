#include "proxy/log_budget.h"

#include <catch2/catch.hpp>

using namespace rpx;

TEST_CASE("log budget: a few lines a second are written, the others are counted", "[proxy]") {
  proxy::LogBudget budget;
  Instant now{std::chrono::hours(1)};
  int written = 0;
  for (int i = 0; i < 100; ++i) written += budget.take(now) ? 1 : 0;
  CHECK(written == 5);
  CHECK(budget.take_kept_back() == 95);
  CHECK(budget.take_kept_back() == 0);
  now += std::chrono::seconds(1);
  CHECK(budget.take(now));
}
