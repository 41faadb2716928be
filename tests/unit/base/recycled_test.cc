#include "base/recycled.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using rpx::Recycled;

namespace {

// A size of its own for each test, so that each has a store of its own.
template <std::size_t MostBytes>
using Texts = Recycled<std::string, MostBytes>;

// What the next one gets.
template <class Store, class Container>
Container lent() {
  Container bare;
  Store::lend(bare);
  return bare;
}

}  // namespace

TEST_CASE("recycled: memory that one has used the next one has, without what was in it", "[base]") {
  std::string first(500, 'x');
  const char* const memory = first.data();
  Texts<1001>::give(first);
  CHECK(first.empty());
  CHECK(first.capacity() < 500);
  const std::string second = lent<Texts<1001>, std::string>();
  CHECK(second.empty());
  CHECK(second.data() == memory);
  CHECK(lent<Texts<1001>, std::string>().capacity() < 500);
}

TEST_CASE("recycled: what has no memory takes no place of others", "[base]") {
  std::string full(500, 'x');
  Texts<1000>::give(full);
  for (int n = 0; n < 50; ++n) {
    std::string nothing;
    Texts<1000>::give(nothing);
  }
  CHECK(lent<Texts<1000>, std::string>().capacity() >= 500);
}

TEST_CASE("recycled: what is larger than the most is freed", "[base]") {
  std::string large(1003, 'x');
  Texts<1002>::give(large);
  CHECK(large.capacity() < 500);
  CHECK(lent<Texts<1002>, std::string>().capacity() < 500);
}

TEST_CASE("recycled: the most is counted in bytes", "[base]") {
  using Numbers = Recycled<std::vector<long>, 1004>;
  std::vector<long> numbers(500);
  Numbers::give(numbers);
  CHECK(lent<Numbers, std::vector<long>>().capacity() == 0);
}

TEST_CASE("recycled: few are kept, however many are given", "[base]") {
  std::vector<std::string> many(50, std::string(500, 'x'));
  for (std::string& one : many) Texts<1005>::give(one);
  std::size_t kept = 0;
  while (lent<Texts<1005>, std::string>().capacity() >= 500) ++kept;
  CHECK(kept >= 1);
  CHECK(kept <= 10);
}
