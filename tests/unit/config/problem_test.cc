#include "config/problem.h"

#include <catch2/catch.hpp>

using namespace rpx::config;

TEST_CASE("problem: is shown with its line and a caret below the column", "[config]") {
  struct Row {
    const char* name;
    Problem problem;
    std::string shown;
  };
  const Row rows[] = {
      {"a place", {"rpx.toml", 12, 9, "bad", "  key = 1"}, "rpx.toml:12:9: bad\n  key = 1\n        ^"},
      {"a warning", {"rpx.toml", 1, 1, "odd", "x", true}, "rpx.toml:1:1: warning: odd\nx\n^"},
      {"a whole file", {"rpx.toml", 0, 0, "bad", ""}, "rpx.toml: bad"},
      {"no line to show", {"rpx.toml", 3, 1, "bad", ""}, "rpx.toml:3:1: bad"},
      {"tabs stay under tabs", {"f", 1, 3, "m", "\t\tx"}, "f:1:3: m\n\t\tx\n\t\t^"},
      {"characters count, not bytes", {"f", 1, 3, "m", "äöx"}, "f:1:3: m\näöx\n  ^"},
      {"behind the end", {"f", 1, 9, "m", "abc"}, "f:1:9: m\nabc\n   ^"},
      {"nothing steers the terminal", {"f", 1, 1, "m", "\x1b[1m\xc2\x9b\xff\x7f"}, "f:1:1: m\n?[1m???\n^"},
      {"a long line",
       {"f", 1, 201, "m", std::string(200, 'a') + "X" + std::string(200, 'b')},
       "f:1:201: m\n…" + std::string(80, 'a') + "X" + std::string(79, 'b') + "…\n " + std::string(80, ' ') + "^"},
      {"the begin of a long line",
       {"f", 1, 1, "m", std::string(200, 'a')},
       "f:1:1: m\n" + std::string(160, 'a') + "…\n^"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(render(row.problem) == row.shown);
  }
}

TEST_CASE("problem: a report sorts by source and line, and finds the lines", "[config]") {
  Report report;
  const auto a = report.add_source("a", "/", "one\r\ntwo\n");
  const auto b = report.add_source("b", "/", "x");
  report.error({b, 1, 1}, "fourth");
  report.error({a, 0, 0}, "third");
  report.warning({a, 2, 1}, "second");
  report.error({a, 1, 2}, "first");
  CHECK(report.errors() == 3);
  CHECK(report.place({a, 2, 1}) == "a:2");
  CHECK(report.place({b, 0, 0}) == "b");
  CHECK(render(report.take()) ==
        "a:1:2: first\none\n ^\na:2:1: warning: second\ntwo\n^\na: third\nb:1:1: fourth\nx\n^\n");
}
