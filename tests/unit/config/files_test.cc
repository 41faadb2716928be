// Files that are read, and files that cannot be.
#include <catch2/catch.hpp>

#include <chrono>

#include <fmt/format.h>

#include "support/temp_folder.h"
#include "unit/config/load_text.h"

using namespace rpx;
using namespace rpx::config;

namespace {

/// Loads main.toml of `folder`.
std::expected<Loaded, std::vector<Problem>> load_main(const test::TempFolder& folder) {
  return load({.file = folder.file("main.toml"), .environment = small_environment});
}

/// The problems of main.toml with the folder's own name taken out.
std::string problems_in(const test::TempFolder& folder) {
  const auto loaded = load_main(folder);
  std::string text = loaded ? render(loaded->problems) + "ok" : render(loaded.error());
  for (std::size_t at = text.find(folder.path()); at != std::string::npos; at = text.find(folder.path(), at))
    text.replace(at, folder.path().size(), "@");
  return text;
}

}  // namespace

TEST_CASE("files: includes are added behind what includes them, in the order of their names", "[config]") {
  test::TempFolder folder;
  folder.write("main.toml", R"(include = ["conf.d/*.toml", "${WHO}.toml"]
[serve]
workers = 1
[[listen]]
address = ":1"
[[route]]
name = "main"
upstream = "http://h"
)");
  folder.write("conf.d/20.toml", "[serve]\nvia = true\n[[route]]\nname = \"b\"\npath = \"/b\"\nupstream = \"app\"\n");
  folder.write("conf.d/10.toml",
               "include = [\"../deep/x.toml\"]\n[[route]]\nname = \"a\"\npath = \"/a\"\nupstream = \"app\"\n");
  folder.write("deep/x.toml", "[upstream.app]\nservers = [\"unix:app.sock\"]\n");
  folder.write("you.toml", "[[listen]]\naddress = \"unix:you.sock\"\n");
  const auto loaded = load_main(folder);
  if (!loaded) FAIL(render(loaded.error()));
  CHECK(loaded->files == std::vector<std::string>{folder.file("main.toml"), folder.file("conf.d/10.toml"),
                                                  folder.file("deep/x.toml"), folder.file("conf.d/20.toml"),
                                                  folder.file("you.toml")});
  const proxy::SiteOptions& site = loaded->options;
  CHECK(site.serve.workers == 1);
  CHECK(site.serve.via);
  CHECK(site.listen.at(1).address == "unix:" + folder.file("you.sock"));
  CHECK(site.upstreams.at(0).servers.at(0).url == "unix:" + folder.file("deep/app.sock"));
  REQUIRE(site.routes.size() == 3);
  CHECK(site.routes[1].name == "a");
  CHECK(site.routes[2].name == "b");
  CHECK(site.routes[2].origin.file == folder.file("conf.d/20.toml"));
  CHECK(site.routes[2].origin.line == 3);
}

TEST_CASE("files: a problem names the included file it is in", "[config]") {
  test::TempFolder folder;
  folder.write("main.toml", "include = [\"a.toml\", \"b.toml\"]\n[serve]\nworkers = 1\n" + kBase);
  folder.write("a.toml", "[serve]\nworkers = 2\n[limits]\nheadrs = 3\n");
  folder.write("b.toml", "[upstream.x]\nservers = [\"http://h\"]\nhost = server\n");
  CHECK(problems_in(folder) == R"(@/a.toml:2:1: "workers" is given twice: first at @/main.toml:3
workers = 2
^
@/a.toml:4:1: unknown key "headrs"; did you mean "headers"?
headrs = 3
^
@/b.toml:3:8: not valid TOML: parsing value: could not determine value type; texts, durations and sizes stand in quotes
host = server
       ^
)");
}

TEST_CASE("files: an upstream may not be in two files", "[config]") {
  test::TempFolder folder;
  folder.write("main.toml", "include = [\"a.toml\"]\n" + kBase + "[upstream.x]\nservers = [\"http://h\"]\n");
  folder.write("a.toml", "[upstream.x]\nservers = [\"http://i\"]\n");
  CHECK(problems_in(folder) == R"(@/a.toml:1:11: upstream "x" is there twice: first at @/main.toml:6
[upstream.x]
          ^
)");
}

TEST_CASE("files: includes that lead nowhere or in circles are refused", "[config]") {
  struct Row {
    const char* include;
    const char* told;
  };
  const Row rows[] = {
      {R"("none.toml")", R"(@/main.toml:1:12: include "@/none.toml": cannot read: No such file or directory)"},
      {R"("dir")", R"(@/main.toml:1:12: include "@/dir": is a directory, not a file)"},
      {R"("main.toml")", "@/main.toml:1:12: files include each other: @/main.toml -> @/main.toml"},
      {R"("b.toml")", "@/c.toml:1:12: files include each other: @/b.toml -> @/c.toml -> @/b.toml"},
      {R"("d.toml", "dir/../d.toml")", R"(@/main.toml:1:22: include "@/d.toml": it is included twice)"},
      {"3", R"(@/main.toml:1:12: "include" must be a list of files such as ["conf.d/*.toml"])"},
  };
  for (const Row& row : rows) {
    test::TempFolder folder;
    folder.write("main.toml", fmt::format("include = [{}]\n{}", row.include, kBase));
    folder.write("b.toml", "include = [\"c.toml\"]\n");
    folder.write("c.toml", "include = [\"b.toml\"]\n");
    folder.write("d.toml", "");
    folder.write("dir/empty", "");
    INFO(row.include);
    const std::string told = problems_in(folder);
    CHECK(told.substr(0, told.find('\n')) == row.told);
  }
}

TEST_CASE("files: a pattern may match nothing, and not its own folder's hidden files", "[config]") {
  test::TempFolder folder;
  folder.write("main.toml", "include = [\"*.none\", \"sub/*\"]\n" + kBase);
  folder.write("sub/.hidden", "no toml");
  CHECK(problems_in(folder) == "ok");
}

TEST_CASE("files: what is no configuration is refused in one line", "[config]") {
  test::TempFolder folder;
  folder.write("nul.toml", std::string("[serve]\nuser = \"\0\"\n", 19));
  folder.write("latin1.toml", "[serve]\nuser = \"\xe4\"\n");
  folder.write("large.toml", std::string(16 * 1024 * 1024 + 1, '#'));
  std::string deep = "a";
  for (int i = 0; i < 300; ++i) deep += ".a";
  folder.write("deep.toml", deep + " = 1\n");
  folder.write("nested.toml", "a = " + std::string(100'000, '['));
  struct Row {
    std::string file;
    std::string told;
  };
  const Row rows[] = {
      {"none.toml", ": cannot read: No such file or directory"},
      {"", ": is a directory, not a file"},
      {"nul.toml", ":2:9: the file holds a NUL byte: is it a text file?"},
      {"latin1.toml", ":2:9: the text is not UTF-8 here"},
      {"large.toml", ": is larger than 16 MiB"},
      {"deep.toml", ":1:402: a key has more than 200 parts"},
      {"nested.toml", ":1:261: not valid TOML: parsing value: exceeded maximum nested value depth of 256"},
  };
  for (const Row& row : rows) {
    const auto loaded = load({.file = folder.file(row.file)});
    REQUIRE_FALSE(loaded);
    REQUIRE(loaded.error().size() == 1);
    const std::string told = render(loaded.error()[0]);
    CHECK(told.substr(0, told.find('\n')) == folder.file(row.file) + row.told);
  }
}

TEST_CASE("files: error pages must be there", "[config]") {
  test::TempFolder folder;
  folder.write("main.toml", kBase + "errors = { 502 = \"502.html\", 5xx = \"none.html\" }\n");
  folder.write("502.html", "<p>502");
  CHECK(problems_in(folder) ==
        R"(@/main.toml:5:36: bad 5xx in errors: cannot read error page "@/none.html": No such file or directory
errors = { 502 = "502.html", 5xx = "none.html" }
                                   ^
)");
  const auto unchecked = load({.file = folder.file("main.toml"), .check_files = false});
  REQUIRE(unchecked);
  CHECK(unchecked->options.routes.at(0).errors.at("5xx") == folder.file("none.html"));
}

TEST_CASE("files: a flood of problems is cut", "[config]") {
  std::string text = kBase;
  for (int i = 0; i < 1000; ++i) text += fmt::format("[[route]]\nnam = 1\nupstream = \"a{}\"\n", i);
  const auto loaded = load_text(text);
  REQUIRE_FALSE(loaded);
  REQUIRE(loaded.error().size() == 101);
  CHECK(loaded.error().back().message == "1900 more problems are not shown");
}
