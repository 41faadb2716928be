#include "proxy/connection_limits.h"

#include <catch2/catch.hpp>

#include <thread>
#include <vector>

namespace rpx::proxy {
namespace {

TEST_CASE("connection limits: places in all", "[proxy]") {
  ConnectionLimits limits;
  CHECK(limits.enter(2));
  CHECK(limits.enter(2));
  CHECK_FALSE(limits.enter(2));
  CHECK(limits.open() == 2);
  limits.leave();
  CHECK(limits.enter(2));
}

TEST_CASE("connection limits: places of each client", "[proxy]") {
  ConnectionLimits limits;
  // Enough addresses that some share a shard.
  for (std::uint32_t i = 0; i < 100; ++i) {
    const IpAddress client = IpAddress::v4(0x0A000000 + i);
    CHECK(limits.enter_client(client, 2));
    CHECK(limits.enter_client(client, 2));
    CHECK_FALSE(limits.enter_client(client, 2));
  }
  const IpAddress one = IpAddress::v4(0x0A000000);
  limits.leave_client(one);
  CHECK(limits.enter_client(one, 2));
  limits.leave_client(one);
  limits.leave_client(one);
  limits.leave_client(one);  // more often than entered: no harm
  CHECK(limits.enter_client(one, 1));
  CHECK_FALSE(limits.enter_client(one, 1));
}

TEST_CASE("connection limits: threads never get more places than there are", "[proxy]") {
  ConnectionLimits limits;
  const IpAddress client = IpAddress::v4(1);
  std::atomic<int> all{0};
  std::atomic<int> of_client{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        all += limits.enter(1500);
        of_client += limits.enter_client(client, 700);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(of_client == 700);
  CHECK(static_cast<std::uint64_t>(all.load()) == limits.open());
  CHECK(limits.open() <= 1500);
}

}  // namespace
}  // namespace rpx::proxy
