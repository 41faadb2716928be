#include <catch2/catch.hpp>

#include "tls/tickets.h"

using namespace rpx;
using namespace std::chrono_literals;

TEST_CASE("tickets: a key makes tickets for one period and opens them for another", "[tls]") {
  tls::TicketKeys keys(1h);
  const Instant start{100h};
  const auto first = keys.current(start);
  REQUIRE(first);
  CHECK(keys.current(start + 59min)->name == first->name);
  const auto second = keys.current(start + 60min);
  CHECK(second->name != first->name);
  CHECK(second->cipher != first->cipher);
  CHECK(keys.find(first->name, start + 119min)->mac == first->mac);
  CHECK_FALSE(keys.find(first->name, start + 120min));
  CHECK(keys.find(second->name, start + 179min));
}

TEST_CASE("tickets: unknown names open nothing", "[tls]") {
  tls::TicketKeys keys(1h);
  const std::array<unsigned char, 16> name{};
  CHECK_FALSE(keys.find(name, Instant{}));
  keys.current(Instant{});
  CHECK_FALSE(keys.find(name, Instant{}));
}

TEST_CASE("tickets: a key that lay idle for two periods is not taken up again", "[tls]") {
  tls::TicketKeys keys(1h);
  const auto first = keys.current(Instant{1h});
  keys.current(Instant{10h});
  CHECK_FALSE(keys.find(first->name, Instant{10h}));
}
