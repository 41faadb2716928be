#include "control/json.h"

#include <catch2/catch.hpp>
#include <limits>

using rpx::control::Json;

TEST_CASE("json: commas stand between members and items, nowhere else", "[control]") {
  Json json;
  json.open_object().member("a", 1).key("b").open_array();
  json.open_object().close_object().value(true).null().open_array().close_array().close_array();
  json.member("c", std::vector<std::string>{"x", "y"}).key("d").raw("{\"e\":2}").close_object();
  CHECK(json.text() == R"({"a":1,"b":[{},true,null,[]],"c":["x","y"],"d":{"e":2}})");
}

TEST_CASE("json: text is escaped, numbers are JSON numbers", "[control]") {
  Json json;
  json.open_array().value("a\"\n\\").value(0.5).value(std::numeric_limits<double>::infinity());
  json.value(std::numeric_limits<std::uint64_t>::max()).value(-3).close_array();
  CHECK(json.text() == R"(["a\"\n\\",0.5,null,18446744073709551615,-3])");
}
