#include "base/arena.h"

#include <catch2/catch.hpp>
#include <string>

TEST_CASE("arena: texts stay where they are while others are added", "[base]") {
  rpx::Arena arena;
  std::vector<std::string_view> kept;
  for (int i = 0; i < 2000; ++i) kept.push_back(arena.copy("text " + std::to_string(i)));
  for (std::size_t i = 0; i < kept.size(); ++i) CHECK(kept[i] == "text " + std::to_string(i));
}

TEST_CASE("arena: a text larger than a block fits, also as the first", "[base]") {
  const std::string large(100'000, 'x');
  rpx::Arena arena;
  CHECK(arena.copy(large) == large);
  CHECK(arena.copy("small") == "small");
  arena.clear();
  CHECK(arena.copy(large) == large);
}

TEST_CASE("arena: clear gives the first block out again", "[base]") {
  rpx::Arena arena;
  const char* first = arena.copy("a").data();
  arena.copy(std::string(5000, 'x'));
  arena.clear();
  CHECK(arena.copy("b").data() == first);
}

TEST_CASE("arena: join puts parts one after the other", "[base]") {
  rpx::Arena arena;
  CHECK(arena.join("a", std::string_view{}, std::string("bc"), "") == "abc");
  CHECK(arena.join("", std::string_view{}).empty());
  CHECK(arena.copy({}).empty());
}
