#include "proxy/load.h"

#include <catch2/catch.hpp>

namespace rpx::proxy {

using policy::Load;
using std::chrono::milliseconds;

TEST_CASE("load: a thread that runs all the time is full after a while, and light again when it rests", "[proxy]") {
  LoadGauge gauge;
  CHECK(gauge.update(milliseconds(10), milliseconds(100)) == Load::kLight);
  Load load = Load::kLight;
  for (int i = 0; i < 5; ++i) load = gauge.update(milliseconds(100), milliseconds(100));
  CHECK(load == Load::kFull);
  for (int i = 0; i < 5; ++i) load = gauge.update(milliseconds(0), milliseconds(100));
  CHECK(load == Load::kLight);
}

TEST_CASE("load: a share between two bounds stays what it has been", "[proxy]") {
  const auto settled = [](int from, int to) {
    LoadGauge gauge;
    Load load = Load::kLight;
    for (int i = 0; i < 20; ++i) load = gauge.update(milliseconds(from), milliseconds(100));
    for (int i = 0; i < 20; ++i) load = gauge.update(milliseconds(to), milliseconds(100));
    return load;
  };
  CHECK(settled(0, 35) == Load::kLight);
  CHECK(settled(60, 35) == Load::kBusy);
  CHECK(settled(0, 65) == Load::kBusy);
  CHECK(settled(100, 65) == Load::kFull);
  CHECK(settled(100, 35) == Load::kBusy);
  CHECK(settled(100, 10) == Load::kLight);
}

TEST_CASE("load: a clock that says more than can be is believed as far as it can be", "[proxy]") {
  LoadGauge gauge;
  for (int i = 0; i < 9; ++i) gauge.update(milliseconds(900), milliseconds(100));
  CHECK(gauge.update(milliseconds(0), milliseconds(100)) == Load::kBusy);
}

}  // namespace rpx::proxy
