#include "policy/fault.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace rpx;
using namespace rpx::policy;
using namespace std::chrono_literals;

TEST_CASE("fault: the same seed draws the same faults, and a change begins them anew", "[policy]") {
  const FaultOptions options{
      .name = "a", .abort = FaultAbort{.status = 502, .percent = 30}, .reset = FaultReset{.percent = 10}, .seed = 5};
  const auto drawn = [](Fault& fault) {
    std::vector<int> out;
    for (int i = 0; i < 200; ++i) {
      const Fault::Draw draw = fault.draw();
      out.push_back(draw.reset ? 1 : draw.status);
    }
    return out;
  };
  Fault one(options);
  Fault two(options);
  const std::vector<int> first = drawn(one);
  CHECK(first == drawn(two));
  CHECK(first != drawn(one));
  one.change(options);
  CHECK(first == drawn(one));
  FaultOptions other = options;
  other.seed = 6;
  one.change(other);
  CHECK(first != drawn(one));
  CHECK(one.requests() == 800);
  CHECK(one.hits() > 200);
}

TEST_CASE("fault: as many are hit as the percentage says, each kind on its own", "[policy]") {
  const FaultOptions options{.delay = FaultDelay{.time = 100ms, .jitter = 50ms, .percent = 25},
                             .abort = FaultAbort{.status = 500, .percent = 50},
                             .truncate = FaultTruncate{.after = 7, .percent = 0},
                             .bandwidth = 9};
  Fault fault(options);
  int delayed = 0;
  int aborted = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Fault::Draw draw = fault.draw();
    delayed += draw.delay > Duration::zero() ? 1 : 0;
    aborted += draw.status == 500 ? 1 : 0;
    CHECK((draw.delay == Duration::zero() || (draw.delay >= 50ms && draw.delay <= 150ms)));
    CHECK_FALSE(draw.reset);
    CHECK_FALSE(draw.truncate_after);
    CHECK(draw.bandwidth == 9);
  }
  CHECK(std::abs(delayed - 2500) < 200);
  CHECK(std::abs(aborted - 5000) < 200);
}

TEST_CASE("fault: one that says nothing does nothing", "[policy]") {
  Fault fault({.name = "a"});
  CHECK_FALSE(fault.active());
  const Fault::Draw draw = fault.draw();
  CHECK((draw.delay == Duration::zero() && draw.status == 0 && !draw.reset && draw.bandwidth == 0));
  CHECK(fault.hits() == 0);
  fault.change({.name = "b", .reset = FaultReset{}});
  CHECK(fault.active());
  CHECK(fault.now().name == "a");
  CHECK(fault.draw().reset);
}
