#include "upstream/server.h"

#include <catch2/catch.hpp>

namespace rpx::upstream {
namespace {

TEST_CASE("server: URLs that name one", "[upstream]") {
  struct Row {
    std::string_view url;
    std::string_view address;
    std::string_view host;
    std::string_view authority;
  };
  const Row row = GENERATE(
      Row{"http://127.0.0.1:8080", "127.0.0.1:8080", "", "127.0.0.1:8080"},
      Row{"http://127.0.0.1", "127.0.0.1:80", "", "127.0.0.1"}, Row{"http://[::1]:81/", "[::1]:81", "", "[::1]:81"},
      Row{"http://[::1]", "[::1]:80", "", "[::1]"},
      Row{"http://App.Example:80", "0.0.0.0:80", "app.example", "app.example"},
      Row{"http://app:9000", "0.0.0.0:9000", "app", "app:9000"},
      Row{"https://App.example", "0.0.0.0:443", "app.example", "app.example"},
      Row{"https://[::1]:443", "[::1]:443", "", "[::1]"}, Row{"https://10.0.0.1:80", "10.0.0.1:80", "", "10.0.0.1:80"},
      Row{"unix:/run/app.sock", "unix:/run/app.sock", "", "localhost"});
  const auto target = parse_server_url(row.url);
  CAPTURE(row.url);
  REQUIRE(target);
  CHECK(target->address.to_string() == row.address);
  CHECK(target->host == row.host);
  CHECK(target->authority == row.authority);
}

TEST_CASE("server: what is no URL of one is refused and named", "[upstream]") {
  const std::string url =
      GENERATE(as<std::string>{}, "", "app", "app:80", "ftp://app", "https://", "https://app/x", "http://",
               "http://app/path", "http://app?x", "http://app#x", "http://user@app", "http://app:0", "http://app:65536",
               "http://app:x", "http://app:", "http://:80", "http://::1", "http://a b", "unix:");
  const auto target = parse_server_url(url);
  CAPTURE(url);
  REQUIRE_FALSE(target);
  CHECK(target.error().kind == ErrorKind::kConfig);
  CHECK(target.error().detail.find("\"" + url + "\"") != std::string::npos);
}

}  // namespace
}  // namespace rpx::upstream
