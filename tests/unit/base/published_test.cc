#include "base/published.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

namespace rpx {

TEST_CASE("published: what was taken lives on when another takes its place", "[base]") {
  Published<const int> place;
  CHECK(place.load() == nullptr);
  place.store(std::make_shared<const int>(1));
  const auto taken = place.load();
  place.store(std::make_shared<const int>(2));
  CHECK(*taken == 1);
  CHECK(taken.use_count() == 1);
  CHECK(*place.load() == 2);
}

TEST_CASE("published: one may store while others take", "[base]") {
  Published<const int> place;
  place.store(std::make_shared<const int>(0));
  std::atomic<bool> ended{false};
  std::atomic<int> backwards{0};
  std::thread reader([&] {
    int last = 0;
    while (!ended.load()) {
      const int now = *place.load();
      if (now < last) backwards.fetch_add(1);
      last = now;
    }
  });
  for (int i = 1; i <= 2000; ++i) place.store(std::make_shared<const int>(i));
  ended.store(true);
  reader.join();
  CHECK(backwards.load() == 0);
  CHECK(*place.load() == 2000);
}

}  // namespace rpx
