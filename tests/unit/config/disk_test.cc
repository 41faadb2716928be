// [cache.NAME] disk: where objects are kept on a disk.
#include <catch2/catch.hpp>

#include "config/kinds.h"
#include "unit/config/load_text.h"

using namespace rpx;
using namespace rpx::config;

namespace {

std::string first_problem(const std::string& caches) {
  const auto loaded = load_text(kBase + caches);
  return loaded ? "" : loaded.error().front().message;
}

}  // namespace

TEST_CASE("disk: a folder is absolute and ends without a slash; sizes have a default", "[config][disk]") {
  const auto loaded = load_text(kBase +
                                "[cache.a]\ndisk = { path = \"cache/\", size = \"2GiB\" }\n[cache.b]\n"
                                "disk.path = \"/var/cache/b\"\n[cache.c]\n");
  REQUIRE(loaded);
  const auto& caches = loaded->options.cache;
  REQUIRE(caches.size() == 3);
  CHECK(caches[0].disk->path.starts_with('/'));
  CHECK(caches[0].disk->path.ends_with("/cache"));
  CHECK(caches[0].disk->size == Size{2} << 30U);
  CHECK(caches[1].disk->path == "/var/cache/b");
  CHECK(caches[1].disk->size == Size{10} << 30U);
  CHECK_FALSE(caches[2].disk);
}

TEST_CASE("disk: what cannot be is refused, with why", "[config][disk]") {
  CHECK(first_problem("[cache.a]\ndisk = {}\n").find("needs \"path\"") != std::string::npos);
  CHECK(first_problem("[cache.a]\ndisk = { path = \"\" }\n").find("expected the path of a folder") !=
        std::string::npos);
  CHECK(first_problem("[cache.a]\ndisk = { path = \"/\" }\n").find("expected the path of a folder") !=
        std::string::npos);
  CHECK(first_problem("[cache.a]\ndisk = { path = \"c\", size = \"1KiB\" }\n").find("size") != std::string::npos);
  CHECK(first_problem("[cache.a]\ndisk = \"cache/\"\n") == "\"disk\" must be a table, not a string");
  CHECK(first_problem("[cache.a]\ndisk.path = \"c/\"\n[cache.b]\ndisk.path = \"c\"\n").find("the same disk.path") !=
        std::string::npos);
}
