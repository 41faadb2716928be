#include "proxy/sticky.h"

#include <catch2/catch.hpp>

#include "support/temp_folder.h"

namespace rpx::proxy {
namespace {

TEST_CASE("sticky: our cookie is taken out of the client's, and no other", "[proxy]") {
  struct Row {
    std::string_view field, left;
  };
  const Row row = GENERATE(values<Row>({{"sid=1", ""},
                                        {"sid=1; a=2", "a=2"},
                                        {"a=2; sid=1", "a=2"},
                                        {"a=2;sid=1;b=3", "a=2; b=3"},
                                        {"sid=1; sid=2", ""},
                                        {"xsid=1; sidx=2; sid", "xsid=1; sidx=2; sid"},
                                        {"a=sid=1", "a=sid=1"},
                                        {"", ""}}));
  Arena arena;
  CAPTURE(row.field);
  CHECK(without_cookie(row.field, "sid", arena) == row.left);
}

TEST_CASE("sticky: a key file that is missing or short is refused by name", "[proxy]") {
  const test::TempFolder folder;
  upstream::StickyOptions options{.cookie = "sid", .key_file = folder.file("none")};
  auto built = build_sticky(options, "app", {});
  REQUIRE_FALSE(built);
  CHECK(built.error().kind == ErrorKind::kConfig);
  CHECK(built.error().detail.find("upstream \"app\": sticky.key_file: ") == 0);
}

}  // namespace
}  // namespace rpx::proxy
