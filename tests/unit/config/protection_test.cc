// What the configuration says of tokens and of [admin]: read, written again, and refused.
#include <catch2/catch.hpp>

#include "unit/config/load_text.h"

using namespace rpx;
using namespace rpx::config;

namespace {

proxy::SiteOptions options_of(std::string_view text) {
  auto loaded = load_text(text);
  INFO(text);
  if (!loaded) FAIL(render(loaded.error()));
  return std::move(loaded->options);
}

/// What is wrong with the keys of an [access.NAME] table.
std::string problems_of_access(const std::string& table, const std::string& keys) {
  return problems_of(kBase + "access = \"staff\"\n[access.staff." + table + "]\n" + keys);
}

}  // namespace

TEST_CASE("effective: tokens of both kinds load again, from a file and from a URL", "[config][jwt]") {
  for (const char* keys : {"file = \"keys.json\"", "url = \"https://login.test/keys\"",
                           "url = \"/keys\"\nupstream = \"login\"", "url = \"\"\nfile = \"keys.json\""}) {
    const proxy::SiteOptions site = options_of(kBase +
                                               "access = \"staff\"\n[upstream.login]\nservers = [\"http://l\"]\n"
                                               "[access.staff.jwt]\n" +
                                               keys + "\nissuer = [\"a\"]\n");
    const std::string once = effective_toml(site);
    const proxy::SiteOptions again = options_of(once);
    CHECK(effective_toml(again) == once);
    CHECK(again.access[0].jwt == site.access[0].jwt);
    CHECK(diff(site, again).empty());
  }
}

TEST_CASE("effective: a secret is shown nowhere, and seen to change all the same", "[config][admin]") {
  const auto with = [](const std::string& token) {
    return options_of(kBase + "[admin]\naddress = \"127.0.0.1:0\"\ntoken = \"" + token + "\"\n");
  };
  const proxy::SiteOptions one = with("0123456789abcdef");
  for (const std::string& told : {effective_toml(one), effective_json(one)}) {
    CHECK(told.find("\"***\"") != std::string::npos);
    CHECK(told.find("0123456789abcdef") == std::string::npos);
  }
  CHECK(diff(one, with("0123456789abcdeF")) == std::vector<std::string>{"admin: changed (token)"});
  CHECK(diff(one, with("0123456789abcdef")).empty());
  CHECK(effective_toml(with("")).find("***") == std::string::npos);
  const auto refused = load_text(kBase + "[admin]\naddress = \"127.0.0.1:1\"\ntoken = \"hunter2\"\n");
  REQUIRE_FALSE(refused);
  CHECK(refused.error()[0].message ==
        "bad token: a token has at least 16 characters; make one with: openssl rand -hex 32");
}

TEST_CASE("config: a url of nothing is no place for keys, and nobody to ask", "[config][jwt]") {
  const std::string needed =
      "rpx.toml:6:1: jwt needs the keys that tokens are signed with: add file = \"keys.json\", or url\n"
      "[access.staff.jwt]\n^\n";
  for (const char* keys : {"", "url = \"\"\n", "file = \"\"\n", "file = \"\"\nurl = \"\"\n"})
    CHECK(problems_of_access("jwt", keys) == needed);
  CHECK(problems_of_access("jwt", "file = \"a\"\nurl = \"http://a/\"\n") ==
        "rpx.toml:8:7: the keys are in a file or at a url, not both\nurl = \"http://a/\"\n      ^\n");
  CHECK(problems_of_access("forward_auth", "url = \"\"\n") ==
        "rpx.toml:7:7: bad url \"\": expected a URL such as \"http://127.0.0.1:9091/verify\", or a path where upstream "
        "is "
        "given\nurl = \"\"\n      ^\n");
}
