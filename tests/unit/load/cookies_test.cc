#include "load/cookies.h"

#include <catch2/catch.hpp>

namespace rpx::load {

TEST_CASE("cookies: what a server sets is sent back, the newest of each name", "[load]") {
  Cookies jar;
  CHECK(jar.field().empty());
  jar.take("a=1; Path=/; HttpOnly");
  jar.take("b = 2");
  jar.take("a=3; Secure");
  CHECK(jar.field() == "b=2; a=3");
}

TEST_CASE("cookies: one that is over is forgotten, one that is none never kept", "[load]") {
  Cookies jar;
  jar.take("a=1");
  jar.take("b=2; Max-Age=100");
  jar.take("nonsense");
  jar.take("=x");
  jar.take("a=; max-age=0; Path=/");
  CHECK(jar.field() == "b=2");
  jar.take("b=2; Max-Age=-1");
  CHECK(jar.field().empty());
}

}  // namespace rpx::load
