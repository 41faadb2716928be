#include "net/srv.h"

#include <catch2/catch.hpp>

namespace rpx::net {
namespace {

using Bytes = std::vector<std::uint8_t>;

void add(Bytes& out, std::initializer_list<int> bytes) {
  for (const int byte : bytes) out.push_back(static_cast<std::uint8_t>(byte));
}

// An answer to "_x.t SRV" with records of `ttl` each, whose owner is the name of the question.
Bytes answer(std::initializer_list<std::array<int, 4>> records) {
  Bytes out;
  add(out, {0, 1, 0x81, 0x80, 0, 1, 0, static_cast<int>(records.size()), 0, 0, 0, 0});
  add(out, {2, '_', 'x', 1, 't', 0, 0, 33, 0, 1});
  for (const auto& [priority, weight, port, ttl] : records) {
    add(out, {0xc0, 12, 0, 33, 0, 1, 0, 0, 0, ttl, 0, 11});
    add(out, {0, priority, 0, weight, port >> 8, port & 255, 2, 'H', '1', 0xc0, 15});
  }
  return out;
}

TEST_CASE("srv: records are read, sorted, with the shortest time to live", "[net][rfc2782]") {
  const auto read = parse_srv(answer({{2, 5, 8080, 60}, {1, 7, 81, 30}}));
  REQUIRE(read);
  CHECK(read->ttl == std::chrono::seconds(30));
  REQUIRE(read->records.size() == 2);
  CHECK(std::ranges::is_sorted(read->records));
  for (const SrvRecord& record : read->records) CHECK(record.host == "h1.t");
  CHECK(read->records[0].port + read->records[1].port == 8161);
}

TEST_CASE("srv: a service that is decidedly not there has no records", "[net][rfc2782]") {
  Bytes message = answer({});
  message[7] = 1;
  add(message, {0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 9, 0, 7, 0, 0, 0, 0, 0, 0, 0});
  const auto read = parse_srv(message);
  REQUIRE(read);
  CHECK(read->records.empty());
}

TEST_CASE("srv: a message that is cut short anywhere is refused", "[net]") {
  const Bytes whole = answer({{2, 5, 8080, 60}, {1, 7, 81, 30}});
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(parse_srv(std::span(whole).first(size)));
}

TEST_CASE("srv: a length that is not that of its record is refused", "[net]") {
  Bytes message = answer({{2, 5, 8080, 60}});
  message[message.size() - 12] = 12;
  CHECK_FALSE(parse_srv(message));
  message[message.size() - 12] = 5;
  CHECK_FALSE(parse_srv(message));
}

}  // namespace
}  // namespace rpx::net
