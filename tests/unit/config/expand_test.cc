#include "config/expand.h"

#include <catch2/catch.hpp>

#include "unit/config/load_text.h"

using namespace rpx::config;

TEST_CASE("expand: variables, defaults and what is none", "[config]") {
  struct Row {
    const char* text;
    const char* value;
  };
  const Row rows[] = {
      {"", ""},
      {"plain", "plain"},
      {"${WHO}", "you"},
      {"<${WHO}${WHO}>", "<youyou>"},
      {"${NONE}", ""},
      {"${NONE:-x}", "x"},
      {"${MISSING:-}", ""},
      {"${MISSING:-a:-b}", "a:-b"},
      {"${MISSING:-/run}/x", "/run/x"},
      {"$WHO", "$WHO"},
      {"$", "$"},
      {"$$", "$$"},
      {"${", "${"},
      {"${1}$1", "${1}$1"},
      {"${}", "${}"},
      {"$${WHO}", "${WHO}"},
      {"$$${WHO}", "$${WHO}"},
      {"$$$", "$$$"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(expand(row.text, small_environment) == std::string(row.value));
  }
}

TEST_CASE("expand: says what is wrong", "[config]") {
  struct Row {
    const char* text;
    const char* told;
  };
  const Row rows[] = {
      {"a ${MISSING} b", "environment variable MISSING is not set; ${MISSING:-value} gives a default"},
      {"${WHO", "\"${WHO\" has no closing brace"},
      {"${WHO-x}", "bad variable \"${WHO-x}\": expected ${NAME} or ${NAME:-default}; $${ stands for ${ itself"},
  };
  for (const Row& row : rows) {
    const auto value = expand(row.text, small_environment);
    REQUIRE_FALSE(value);
    CHECK(value.error() == row.told);
  }
}
