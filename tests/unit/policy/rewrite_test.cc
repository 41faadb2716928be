#include "policy/rewrite.h"

#include <catch2/catch.hpp>

namespace rpx::policy {
namespace {

TEST_CASE("rewrite: a prefix is stripped where a segment ends", "[policy]") {
  struct Row {
    std::string_view path, prefix, left;
  };
  const Row rows[] = {
      {"/v1/x", "/v1", "/x"},        {"/v1", "/v1", "/"},     {"/v1/", "/v1", "/"},         {"/v10", "/v1", "/v10"},
      {"/v1/x", "/v1/", "/x"},       {"/v1", "/v1/", "/"},    {"/x/v1", "/v1", "/x/v1"},    {"/V1/x", "/v1", "/V1/x"},
      {"/v1/x", "", "/v1/x"},        {"/v1/x", "/", "/v1/x"}, {"/a/b/c", "/a/b", "/c"},     {"*", "/v1", "*"},
      {"/v1//evil", "/v1", "/evil"}, {"/v1///", "/v1", "/"},  {"/v1/a//b", "/v1", "/a//b"}, {"/v", "/v1", "/v"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path, row.prefix);
    CHECK(strip_prefix(row.path, row.prefix) == row.left);
  }
}

std::string rewritten(const RewriteOptions& options, std::string_view path) {
  const auto rewrite = Rewrite::compile(options);
  REQUIRE(rewrite);
  Arena arena;
  const auto out = rewrite->apply(path, arena);
  if (!out) {
    CHECK(out.error().kind == ErrorKind::kBadRequest);
    CHECK(out.error().side == Side::kClient);
    return "(refused)";
  }
  return std::string(*out);
}

TEST_CASE("rewrite: the first match is replaced, groups are put in", "[policy]") {
  struct Row {
    const char *from, *to, *path, *out;
  };
  const Row rows[] = {
      {"^/old/(.*)$", "/new/$1", "/old/a/b", "/new/a/b"},
      {"^/old/(.*)$", "/new/${1}0", "/old/a", "/new/a0"},
      {"^/old/(.*)$", "/new/$1", "/other", "/other"},
      {"^/(\\w+)/(\\w+)$", "/$2/$1", "/a/b", "/b/a"},
      {"/b", "/x", "/a/b/b", "/a/x/b"},
      {"^/", "", "/a", "/a"},
      {"^/a$", "b", "/a", "/b"},
      {"^/a$", "", "/a", "/"},
      {"^/(a)?(b)?$", "/[$1$2]", "/b", "/%5Bb%5D"},
      {"^/a$", "/cost $$5", "/a", "/cost%20$5"},
      {"^/a$", "/gr\xc3\xbc", "/a", "/gr%C3%BC"},
      {"^/a$", "/x%2fy%7e", "/a", "/x%2Fy~"},
      {"^/a(.*)$", "/$1", "/a//host/x", "/host/x"},
      {"^/(.)(.)(.)(.)(.)(.)(.)(.)(.)$", "/$9$1", "/123456789", "/91"},
      {"^/\xc3(.)$", "/$1", "/x", "/x"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.from, row.path);
    CHECK(rewritten({row.from, row.to}, row.path) == row.out);
  }
}

TEST_CASE("rewrite: nothing is copied where nothing matches", "[policy]") {
  const auto rewrite = Rewrite::compile({"^/old", "/new"});
  REQUIRE(rewrite);
  Arena arena;
  const std::string_view path = "/a";
  CHECK(rewrite->apply(path, arena)->data() == path.data());
}

TEST_CASE("rewrite: a made-up request does not climb out of the replacement", "[policy]") {
  CHECK(rewritten({"^/files(.*)$", "/public/$1"}, "/files../secret") == "(refused)");
  CHECK(rewritten({"^/files(.*)$", "/public/$1"}, "/files./x") == "(refused)");
  CHECK(rewritten({"^/a(.*)$", "$1"}, "/a..") == "(refused)");
  CHECK(rewritten({"^/a(.*)x(.*)$", "/p/$1$2"}, "/a.x./etc") == "(refused)");
  CHECK(rewritten({"^/a(.*)x(.*)$", "/p/%2e$1$2"}, "/ax./etc") == "(refused)");
  CHECK(rewritten({"^/a(.)(.*)$", "/p$2$1"}, "/a%41") == "(refused)");
  CHECK(rewritten({"^/files(.*)$", "/public$1"}, "/files.../x") == "/public.../x");
}

TEST_CASE("rewrite: what cannot be a rewrite is refused", "[policy]") {
  struct Row {
    const char *from, *to, *said;
  };
  const Row rows[] = {
      {"", "/x", "the rewrite's \"from\" is empty"},
      {"(", "/x", "\"(\" is not a pattern: missing ): ("},
      {"/(a)", "/$2", "$2 is used, but the pattern has one group only"},
      {"/a", "/$1", "$1 is used, but the pattern has no group"},
      {"/(a)(b)", "/${3}", "$3 is used, but the pattern has 2 groups only"},
      {"/(a)", "/$0", "\"$\" is followed by no group, $1 to $9; a plain one is written \"$$\""},
      {"/(a)", "/${12}", "\"$\" is followed by no group, $1 to $9; a plain one is written \"$$\""},
      {"/(a)", "/$", "\"$\" is followed by no group, $1 to $9; a plain one is written \"$$\""},
      {"/a", "/x?y", "a rewrite changes the path alone: its \"to\" holds no \"?\" and no \"#\""},
      {"/a", "/x%4", "\"%\" in the rewrite's \"to\" is followed by two hexadecimal digits"},
  };
  for (const Row& row : rows) {
    const Status status = check_rewrite({row.from, row.to});
    REQUIRE_FALSE(status);
    CHECK(status.error().kind == ErrorKind::kConfig);
    CHECK(status.error().detail == row.said);
  }
  CHECK(check_rewrite({"^/a/(.*)", "/b/$1"}));
}

}  // namespace
}  // namespace rpx::policy
