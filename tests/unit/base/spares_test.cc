#include "base/spares.h"

#include <catch2/catch.hpp>

using rpx::Spares;

namespace {

void fill(Spares<int>& spares, int count) {
  for (int i = 0; i < count; ++i) spares.keep(std::make_unique<int>(i));
}

}  // namespace

TEST_CASE("spares: the one that was used last is taken first, and none are made up", "[base]") {
  Spares<int> spares(4);
  CHECK(spares.take() == nullptr);
  fill(spares, 3);
  CHECK(*spares.take() == 2);
  CHECK(*spares.take() == 1);
  CHECK(spares.size() == 1);
}

TEST_CASE("spares: those that are needed at each peak stay, whatever lies idle between", "[base]") {
  Spares<int> spares(4);
  fill(spares, 1000);
  spares.sweep();
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<int>> used;
    for (int i = 0; i < 1000; ++i) used.push_back(spares.take());
    for (auto& one : used) spares.keep(std::move(one));
    spares.sweep();
    CHECK(spares.size() == 1000);
  }
}

TEST_CASE("spares: those that nobody needs go by halves, the oldest first, down to a few", "[base]") {
  Spares<int> spares(4);
  fill(spares, 1000);
  spares.sweep();
  CHECK(spares.size() == 1000);  // somebody may have needed them in between
  spares.sweep();
  CHECK(spares.size() == 500);
  CHECK(*spares.take() == 999);
  for (int i = 0; i < 20; ++i) spares.sweep();
  CHECK(spares.size() == 4);
}
