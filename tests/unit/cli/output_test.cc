#include "cli/output.h"

#include <catch2/catch.hpp>

#include "cli/terminal.h"

using namespace rpx::cli;

namespace {

Records sample() {
  Records records({{"name", false}, {"open_now", true}, {"up", false}, {"why", false}});
  records.add({std::string("web"), std::uint64_t{1200}, true, std::monostate()});
  records.add({std::string("é,\"x\""), std::uint64_t{7}, false, std::string("late\nby 2s")});
  return records;
}

}  // namespace

TEST_CASE("output: a table has headings, aligned columns and no blanks at the ends", "[cli]") {
  CHECK(sample().render(Format::kTable) ==
        "NAME   OPEN NOW  UP   WHY\n"
        "web        1200  yes  -\n"
        "é,\"x\"         7  no   late?by 2s\n");
}

TEST_CASE("output: colour only dims the headings", "[cli]") {
  CHECK(sample().render(Format::kTable, true).starts_with("\x1b[2mNAME   OPEN NOW  UP   WHY\x1b[0m\nweb"));
}

TEST_CASE("output: plain is one record a line without headings", "[cli]") {
  CHECK(sample().render(Format::kPlain) == "web\t1200\tyes\t\né,\"x\"\t7\tno\tlate?by 2s\n");
}

TEST_CASE("output: csv quotes what needs it", "[cli]") {
  CHECK(sample().render(Format::kCsv) ==
        "name,open_now,up,why\n"
        "web,1200,true,\n"
        "\"é,\"\"x\"\"\",7,false,\"late\nby 2s\"\n");
}

TEST_CASE("output: json is an array of objects, ndjson one object a line", "[cli]") {
  CHECK(sample().render(Format::kJson) == R"([{"name":"web","open_now":1200,"up":true,"why":null},)"
                                          R"({"name":"é,\"x\"","open_now":7,"up":false,"why":"late\nby 2s"}])"
                                          "\n");
  CHECK(sample()
            .render(Format::kNdjson)
            .starts_with(R"({"name":"web","open_now":1200,"up":true,"why":null})"
                         "\n"));
}

TEST_CASE("output: no records are an empty table, no lines, and an empty array", "[cli]") {
  const Records none({{"name", false}});
  CHECK(none.render(Format::kTable).empty());
  CHECK(none.render(Format::kPlain).empty());
  CHECK(none.render(Format::kNdjson).empty());
  CHECK(none.render(Format::kCsv) == "name\n");
  CHECK(none.render(Format::kJson) == "[]\n");
}

TEST_CASE("output: control characters cannot reach the terminal", "[cli]") {
  Records records({{"target", false}});
  records.add({std::string("/\x1b[2J\x07")});
  CHECK(records.render(Format::kTable) == "TARGET\n/?[2J?\n");
}

TEST_CASE("output: counts are grouped by thousands", "[cli]") {
  CHECK(format_count(0) == "0");
  CHECK(format_count(999) == "999");
  CHECK(format_count(1000) == "1,000");
  CHECK(format_count(1234567) == "1,234,567");
}

TEST_CASE("terminal: --color decides before NO_COLOR, and NO_COLOR before the terminal", "[cli]") {
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  CHECK(use_color(ColorWhen::kAuto, true));
  CHECK_FALSE(use_color(ColorWhen::kAuto, false));
  CHECK(use_color(ColorWhen::kAlways, false));
  ::setenv("NO_COLOR", "1", 1);
  CHECK_FALSE(use_color(ColorWhen::kAuto, true));
  CHECK(use_color(ColorWhen::kAlways, true));
  ::unsetenv("NO_COLOR");
}
