#include "cli/app.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace rpx;
using namespace rpx::cli;

namespace {

// The targets of one small verb, and the verb over them.
struct Sample {
  bool strict = false;
  std::string to;
  std::vector<std::string> set;
  std::optional<int> fd;
  std::optional<Duration> grace;
  std::string when;
  int verbose = 0;
  std::vector<std::string> files;
  std::vector<std::string> command;
  VerbSpec spec;
  std::vector<OptionSpec> common;

  Sample() {
    spec.name = "try";
    spec.summary = "try it";
    Verb(spec)
        .example("rpx-x try --to A", "the short form")
        .flag("--strict", strict, "warnings too")
        .option("-t,--to", "URL", &to, "where to")
        .option("--set", "KEY=VALUE", &set, "set a key")
        .option("--ready-fd", "N", &fd, "tell there")
        .option("--grace", "DURATION", &grace, "how long")
        .choice("--when", "WHEN", &when, {"now", "later"}, "at what time")
        .operand("FILE", &files, "what to read")
        .command(command, "run this");
    VerbSpec shared;
    Verb(shared).option("-v,--verbose", "", &verbose, "tell more");
    common = shared.options;
  }
  Status parse(const std::vector<std::string>& arguments) { return parse_arguments(spec, common, arguments); }
};

}  // namespace

TEST_CASE("app: options, flags and operands land in their targets", "[cli]") {
  Sample it;
  REQUIRE(it.parse({"a", "--strict", "--to=http://x", "--set", "a=1", "b", "--set", "b=2", "--ready-fd", "3", "--grace",
                    "1m", "--when", "later", "-vv", "-"}));
  CHECK(it.strict);
  CHECK(it.to == "http://x");
  CHECK(it.set == std::vector<std::string>{"a=1", "b=2"});
  CHECK(it.fd == 3);
  CHECK(it.grace == std::chrono::minutes(1));
  CHECK(it.when == "later");
  CHECK(it.verbose == 2);
  CHECK(it.files == std::vector<std::string>{"a", "b", "-"});
}

TEST_CASE("app: what was not given stays as it was", "[cli]") {
  Sample it;
  REQUIRE(it.parse({}));
  CHECK_FALSE(it.strict);
  CHECK_FALSE(it.fd);
  CHECK_FALSE(it.grace);
  CHECK(it.files.empty());
}

TEST_CASE("app: usage errors are one line and suggest what was meant", "[cli]") {
  struct Row {
    std::vector<std::string> arguments;
    std::string want;
  };
  const Row rows[] = {
      {{"--strictt"}, "unknown option \"--strictt\" of try; did you mean \"--strict\"?"},
      {{"--sett=1"}, "unknown option \"--sett\" of try; did you mean \"--set\"?"},
      {{"--exek", "ls"}, "unknown option \"--exek\" of try; did you mean \"--exec\"?"},
      {{"--when", "latr"}, "--when \"latr\" is not known; did you mean \"later\"?"},
      {{"--when", "yesterday"}, "--when \"yesterday\" is not known; it is one of now, later"},
      {{"--grace", "long"}, "--grace: \"long\" is no duration; write 500ms, 10s or 2m"},
  };
  for (const Row& row : rows) {
    INFO(row.arguments.front());
    Sample it;
    const Status done = it.parse(row.arguments);
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == ErrorKind::kUsage);
    CHECK(done.error().detail == row.want);
  }
}

TEST_CASE("app: a value that is missing or no number is a usage error", "[cli]") {
  for (const auto& arguments : {std::vector<std::string>{"--to"}, {"--ready-fd", "three"}, {"-x"}}) {
    INFO(arguments.front());
    Sample it;
    const Status done = it.parse(arguments);
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == ErrorKind::kUsage);
    CHECK(done.error().detail.find('\n') == std::string::npos);
  }
}

TEST_CASE("app: an operand nobody asked for is refused, one that is needed is asked for", "[cli]") {
  VerbSpec spec;
  spec.name = "stop";
  CHECK(parse_arguments(spec, {}, {"now"}).error().detail == "stop takes no operand \"now\"");
  std::string file;
  Verb(spec).operand("FILE", &file, "what to check", true);
  CHECK(parse_arguments(spec, {}, {}).error().detail == "stop needs FILE: what to check");
}

TEST_CASE("app: the verb may stand behind the options, and is run when it is left out", "[cli]") {
  struct Row {
    std::vector<const char*> arguments;
    std::string want;
  };
  const Row rows[] = {
      {{"x"}, "run   "},
      {{"x", "--to", "status"}, "run status  "},
      {{"x", "-c", "status", "status"}, "status  status "},
      {{"x", "-qc", "f", "status"}, "status  f "},
      {{"x", "status", "-c", "f"}, "status  f "},
      {{"x", "--exec", "status", "-c"}, "run   status,-c,"},
      {{"x", "-c", "f", "--", "--exec"}, "run  f --exec,"},
  };
  for (const Row& row : rows) {
    std::string to;
    std::vector<std::string> command;
    std::string seen;
    const auto tell = [&](std::string name) {
      return [&, name](const Common& common) {
        seen = name + " " + to + " " + common.config + " ";
        for (const auto& word : command) seen += word + ",";
        return 7;
      };
    };
    App app("x", "a tool");
    app.verb("run", "run it").option("--to", "URL", &to, "where to").command(command, "this").action(tell("run"));
    app.verb("status", "tell how it is").action(tell("status"));
    CHECK(app.run(static_cast<int>(row.arguments.size()), row.arguments.data()) == 7);
    CHECK(seen == row.want);
  }
}

TEST_CASE("app: an unknown option in front of the verb is what the error tells of", "[cli]") {
  Sample it;
  CHECK(it.parse({"a", "--strictt", "b"}).error().detail.starts_with("unknown option \"--strictt\""));
  App app("x", "a tool");
  bool ran = false;
  app.verb("run", "run it").action([&](const Common&) { return ran = true; });
  const char* arguments[] = {"x", "--lisen", ":1"};
  CHECK(app.run(3, arguments) == 2);
  CHECK_FALSE(ran);
}

TEST_CASE("app: the dump names every verb, option and operand once", "[cli]") {
  Sample it;
  CHECK(dump({it.spec}, it.common) ==
        "option * --verbose -v -\n"
        "option * --help -h -\n"
        "option * --version - -\n"
        "verb try\n"
        "option try --strict - -\n"
        "option try --to -t URL\n"
        "option try --set - KEY=VALUE\n"
        "option try --ready-fd - N\n"
        "option try --grace - DURATION\n"
        "option try --when - WHEN now later\n"
        "option try --exec - COMMAND\n"
        "operand try FILE\n");
}

TEST_CASE("app: help opens with examples and fits a screen", "[cli]") {
  Sample it;
  const std::string help = verb_help("rpx-x", it.spec, it.common, true);
  CHECK(help.starts_with("rpx-x try: try it\n\nExamples:\n  rpx-x try --to A  # the short form\n\nUsage: rpx-x [try]"));
  CHECK(help.find("[FILE…] [--exec COMMAND…]\n") != std::string::npos);
  CHECK(std::ranges::count(help, '\n') < 24);
}
