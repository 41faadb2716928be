#include "pki/secret_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "support/temp_folder.h"

using namespace rpx;

TEST_CASE("secret file: it is for its owner alone and replaced whole", "[pki]") {
  const test::TempFolder folder;
  const std::string path = folder.file("key.pem");
  CHECK(pki::read_secret_file(path).value().empty());
  REQUIRE(pki::write_secret_file(path, "one"));
  REQUIRE(pki::write_secret_file(path, "two"));
  CHECK(pki::read_secret_file(path).value() == "two");
  struct stat facts{};
  REQUIRE(stat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  const auto nowhere = pki::write_secret_file(folder.file("none/key.pem"), "three");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().detail.find("none/key.pem") != std::string::npos);
}

TEST_CASE("secret file: what is wiped is gone from memory", "[pki]") {
  std::string text(100, 'k');
  const char* at = text.data();
  pki::wipe(text);
  CHECK(text.empty());
  CHECK(std::string_view(at, 1) == std::string_view("\0", 1));
}
