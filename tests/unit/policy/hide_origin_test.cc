#include "policy/hide_origin.h"

#include <catch2/catch.hpp>

namespace rpx::policy {
namespace {

const std::vector<std::string> kServers{"http://10.0.0.11:8080", "https://App.internal", "http://old.internal.example",
                                        "http://[fd00::1]:81", "unix:/run/app.sock"};

/// What `name: value` of a reply has become for a client at https://shop.example.
std::string seen(std::string_view name, std::string_view value, std::string_view prefix = "",
                 std::string_view authority = "shop.example") {
  const OriginNames origin(kServers, prefix);
  http::Headers headers;
  headers.add("Date", "now");
  headers.add(name, value);
  Arena arena;
  const http::ClientFacts client{.client = {}, .scheme = "https", .host = authority};
  hide_origin(headers, origin, client, arena);
  CHECK(headers.value("Date") == "now");
  return headers.find(name) == nullptr ? "(gone)" : std::string(headers.value(name));
}

TEST_CASE("hide origin: fields that tell on it go", "[policy]") {
  for (const char* name :
       {"Server", "X-Powered-By", "Via", "X-AspNet-Version", "x-aspnetmvc-version", "X-Runtime", "X-Generator",
        "X-Backend-Server", "X-Served-By", "X-Varnish", "Server-Timing", "X-Envoy-Upstream-Service-Time",
        "MicrosoftSharePointTeamServices", "X-Host", "X-Debug-Token-Link"})
    CHECK(seen(name, "x") == "(gone)");
  for (const char* name : {"Content-Type", "ETag", "X-Frame-Options", "X-Robots", "X-Ratelimit", "Y-Runtime",
                           "X-Request-Id", "Cache-Control", "X", "Strict-Transport-Security", "X-Runtimes",
                           "X-A-Very-Long-Name-That-Is-Longer-Than-Any-In-The-Table-By-A-Great-Deal"})
    CHECK(seen(name, "x") == "x");
}

TEST_CASE("hide origin: links to a server become links to us", "[policy]") {
  struct Row {
    std::string_view value, seen;
  };
  const Row rows[] = {
      {"http://10.0.0.11:8080/a?b#c", "https://shop.example/a?b#c"},
      {"HTTP://10.0.0.11:8080", "https://shop.example"},
      {"//10.0.0.11:8080/a", "https://shop.example/a"},
      {"https://app.INTERNAL/a", "https://shop.example/a"},
      {"https://app.internal:443?x", "https://shop.example?x"},
      {"//app.internal/a", "https://shop.example/a"},
      {"http://user:pw@old.internal.example:80/a", "https://shop.example/a"},
      {"http://[FD00::1]:81/a", "https://shop.example/a"},
      {"http://10.0.0.11/a", "http://10.0.0.11/a"},
      {"http://10.0.0.11:80800/a", "http://10.0.0.11:80800/a"},
      {"http://app.internal/a", "http://app.internal/a"},
      {"https://elsewhere.example/a", "https://elsewhere.example/a"},
      {"https://app.internal.evil.example/a", "https://app.internal.evil.example/a"},
      {"https://app.internal\\@evil.example/a", "https://app.internal\\@evil.example/a"},
      {"ftp://10.0.0.11:8080/a", "ftp://10.0.0.11:8080/a"},
      {"/a", "/a"},
      {"a/b", "a/b"},
      {"?x", "?x"},
      {"", ""},
      {"//", "//"},
      {"https://", "https://"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    CHECK(seen("Location", row.value) == row.seen);
    CHECK(seen("Content-Location", row.value) == row.seen);
    CHECK(seen("X-Other", row.value) == row.value);
  }
  CHECK(seen("Location", "https://app.internal", "", "") == "/");
  CHECK(seen("Location", "https://app.internal/a", "", "") == "/a");
}

TEST_CASE("hide origin: addresses among other things become ours, too", "[policy]") {
  struct Row {
    std::string_view name, value, seen;
  };
  const Row rows[] = {
      {"Link", "<http://10.0.0.11:8080/a,b;c>; rel=preload, </x>; rel=\"next\"",
       "<https://shop.example/a,b;c>; rel=preload, </x>; rel=\"next\""},
      {"Link", "<https://cdn.example/a>; rel=preload", "<https://cdn.example/a>; rel=preload"},
      {"Content-Security-Policy",
       "default-src 'self' 10.0.0.11:8080 https://app.internal; connect-src wss://app.internal/x",
       "default-src 'self' shop.example https://shop.example; connect-src wss://shop.example/x"},
      {"Content-Security-Policy-Report-Only", "report-uri http://10.0.0.11:8080/csp",
       "report-uri https://shop.example/csp"},
      {"Content-Security-Policy", "default-src 'self' *.example 10.0.0.11:9",
       "default-src 'self' *.example 10.0.0.11:9"},
      {"Access-Control-Allow-Origin", "https://app.internal", "https://shop.example"},
      {"Access-Control-Allow-Origin", "*", "*"},
      {"Timing-Allow-Origin", "https://a.example, https://app.internal", "https://a.example, https://shop.example"},
      {"Reporting-Endpoints", "main=\"https://app.internal/r\"", "main=\"https://shop.example/r\""},
      {"Report-To", R"({"endpoints":[{"url":"https://app.internal/r"}]})",
       R"({"endpoints":[{"url":"https://shop.example/r"}]})"},
      {"SourceMap", "http://10.0.0.11:8080/a.map", "https://shop.example/a.map"},
      {"Link", "<", "<"},
      {"Link", "<http://10.0.0.11:8080", "<https://shop.example"},
      {"Link", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name, row.value);
    CHECK(seen(row.name, row.value) == row.seen);
  }
  CHECK(seen("Link", "</x>; rel=next", "/v1") == "</v1/x>; rel=next");
  CHECK(seen("Alt-Svc", "h3=\":443\"") == "(gone)");
}

TEST_CASE("hide origin: an entity tag with an inode goes, others stay", "[policy]") {
  for (const char* tag : {R"("2c39f-5a-5e3f2a1b")", R"(W/"A-1-f00")", R"("10c24bc-4ab-457e1c1f")"})
    CHECK(seen("ETag", tag) == "(gone)");
  for (const char* tag : {R"("5f3-2ab")", R"("abc")", R"("a-b-c-d")", R"("g-1-2")", R"("--")", R"("1--2")",
                          "2c39f-5a-5e3f", R"(")", R"("550e8400-e29b-41d4-a716-446655440000")"})
    CHECK(seen("ETag", tag) == tag);
}

TEST_CASE("hide origin: a stripped prefix is put back, once", "[policy]") {
  struct Row {
    std::string_view value, seen;
  };
  const Row rows[] = {
      {"http://10.0.0.11:8080/a", "https://shop.example/v1/a"},
      {"http://10.0.0.11:8080", "https://shop.example/v1"},
      {"http://10.0.0.11:8080/v1/a", "https://shop.example/v1/a"},
      {"/a", "/v1/a"},
      {"/", "/v1/"},
      {"/v1", "/v1"},
      {"/v1?x", "/v1?x"},
      {"/v10", "/v1/v10"},
      {"https://shop.example/a", "https://shop.example/v1/a"},
      {"http://SHOP.example/a", "http://SHOP.example/v1/a"},
      {"https://shop.example/v1/a", "https://shop.example/v1/a"},
      {"https://elsewhere.example/a", "https://elsewhere.example/a"},
      {"a", "a"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    CHECK(seen("Location", row.value, "/v1/") == row.seen);
  }
}

TEST_CASE("hide origin: Refresh is a link too", "[policy]") {
  CHECK(seen("Refresh", "5; url=http://10.0.0.11:8080/a") == "5; url=https://shop.example/a");
  CHECK(seen("Refresh", "0;URL='http://10.0.0.11:8080/a'") == "0;URL='https://shop.example/a'");
  CHECK(seen("Refresh", "0, url=\"/a\"", "/v1") == "0, url=\"/v1/a\"");
  CHECK(seen("Refresh", "0; url=\"/a", "/v1") == "0; url=\"/v1/a");
  CHECK(seen("Refresh", "5") == "5");
  CHECK(seen("Refresh", "5;") == "5;");
  CHECK(seen("Refresh", "5; url=") == "5; url=");
  CHECK(seen("Refresh", "5; url=https://elsewhere.example/") == "5; url=https://elsewhere.example/");
}

TEST_CASE("hide origin: a cookie for a server's domain becomes one for this host", "[policy][rfc6265-5.1.3]") {
  struct Row {
    std::string_view value, seen;
  };
  const Row rows[] = {
      {"a=b; Domain=app.internal; Secure", "a=b; Secure"},
      {"a=b; domain=.APP.internal", "a=b"},
      {"a=b; Domain=internal; Path=/x", "a=b; Path=/v1/x"},
      {"a=b; Domain=internal.example", "a=b"},
      {"a=b; Domain=10.0.0.11", "a=b"},
      {"a=b; Domain=shop.example", "a=b; Domain=shop.example"},
      {"a=b; Domain=example", "a=b; Domain=example"},
      {"a=b; Domain=other.test", "a=b; Domain=other.test"},
      {"a=b; Domain=", "a=b; Domain="},
      {"a=b", "a=b"},
      {"a=Domain=app.internal", "a=Domain=app.internal"},
      {"a=b; Path=/", "a=b; Path=/"},
      {"__Host-a=b; Secure; Path=/", "__Host-a=b; Secure; Path=/"},
      {"a=b; Path=/x; HttpOnly", "a=b; Path=/v1/x; HttpOnly"},
      {"a=b;path= /x ;Domain=app.internal;Max-Age=1", "a=b;path= /v1/x ;Max-Age=1"},
      {"a=b; Path=/v1/x", "a=b; Path=/v1/x"},
      {"a=b; Path=x", "a=b; Path=x"},
      {"a=b;", "a=b;"},
      {"a=b; Domain=app.internal;", "a=b;"},
      {"a=b; Domain=app.internal; Domain=internal; Path=/x; Path=/y", "a=b; Path=/v1/x; Path=/v1/y"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    CHECK(seen("Set-Cookie", row.value, "/v1") == row.seen);
  }
  // "example" is above old.internal.example, and above the client's own name too: a cookie for both stays.
  CHECK(seen("Set-Cookie", "a=b; Domain=example", "", "[::1]:80") == "a=b");
}

TEST_CASE("hide origin: what names no server changes no link", "[policy]") {
  http::Headers headers;
  headers.add("Location", "http://10.0.0.11:8080/a");
  headers.add("Set-Cookie", "a=b; Domain=app.internal; Path=/x");
  headers.add("Server", "x");
  Arena arena;
  hide_origin(headers, OriginNames(), {.client = {}, .scheme = "https", .host = "shop.example"}, arena);
  CHECK(headers.value("Location") == "http://10.0.0.11:8080/a");
  CHECK(headers.value("Set-Cookie") == "a=b; Domain=app.internal; Path=/x");
  CHECK(headers.size() == 2);
}

}  // namespace
}  // namespace rpx::policy
