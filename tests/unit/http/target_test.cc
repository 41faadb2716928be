#include "http/target.h"

#include "parsed.h"

using namespace rpx;
using namespace rpx::http;
using namespace rpx::http::test;
using namespace std::string_view_literals;

TEST_CASE("target: hosts that are taken", "[http][rfc9112-3.2]") {
  struct Row {
    std::string_view value;
    std::string_view host;
    std::string_view authority;
    std::uint16_t port;
  };
  for (const Row& row :
       {Row{"a.test", "a.test", "a.test", 0}, Row{"A.TeSt", "a.test", "a.test", 0},
        Row{"a.test:8080", "a.test", "a.test:8080", 8080}, Row{"A.test:8080", "a.test", "a.test:8080", 8080},
        Row{"a.test:", "a.test", "a.test", 0}, Row{"a.test:1", "a.test", "a.test:1", 1},
        Row{"a.test:65535", "a.test", "a.test:65535", 65535}, Row{"a.test.", "a.test", "a.test", 0},
        Row{"A.test.:80", "a.test", "a.test:80", 80}, Row{"localhost", "localhost", "localhost", 0},
        Row{"my_app-1.svc", "my_app-1.svc", "my_app-1.svc", 0}, Row{"1.2.3.4:80", "1.2.3.4", "1.2.3.4:80", 80},
        Row{"[::1]", "[::1]", "[::1]", 0}, Row{"[2001:DB8::1]:443", "[2001:db8::1]", "[2001:db8::1]:443", 443},
        Row{"xn--caf-dma.test", "xn--caf-dma.test", "xn--caf-dma.test", 0}}) {
    const ParsedRequest request(get_host(row.value));
    INFO(row.value);
    REQUIRE_FALSE(request.refused());
    CHECK(request.head.target.host == row.host);
    CHECK(request.head.target.authority == row.authority);
    CHECK(request.head.target.port == row.port);
    CHECK(is_authority(row.value));
  }
}

TEST_CASE("target: hosts that are refused", "[http][rfc9112-3.2]") {
  for (const std::string_view value : {""sv,
                                       ":"sv,
                                       ":80"sv,
                                       "a.test/x"sv,
                                       "u@a.test"sv,
                                       "u:p@a.test"sv,
                                       "a.test:http"sv,
                                       "a.test:0"sv,
                                       "a.test:080"sv,
                                       "a.test:65536"sv,
                                       "a.test:99999999999"sv,
                                       "a.test:-1"sv,
                                       "a.test:+80"sv,
                                       "a.test:8 0"sv,
                                       "a.test:80:80"sv,
                                       "[::g]"sv,
                                       "[::1"sv,
                                       "::1"sv,
                                       "[]"sv,
                                       "[1.2.3.4]"sv,
                                       "[::1]x"sv,
                                       "[::1%25eth0]"sv,
                                       "[::1%eth0]"sv,
                                       "[v1.a]"sv,
                                       "a.test\0.b.test"sv,
                                       "a.test#x"sv,
                                       "a.test?x"sv,
                                       "<a.test>"sv,
                                       "\"a.test\""sv,
                                       "a.test\x7f"sv,
                                       "a test"sv,
                                       "a.test,b.test"sv,
                                       "a.test\\b"sv,
                                       "a%2etest"sv,
                                       "a..test"sv,
                                       ".a.test"sv,
                                       "."sv,
                                       "caf\xc3\xa9.test"sv,
                                       "a.test\tb"sv,
                                       "http://a.test"sv,
                                       "*"sv,
                                       "a.test;x"sv,
                                       "a$b"sv}) {
    INFO(value);
    CHECK(ParsedRequest(get_host(value)).refused());
    CHECK_FALSE(is_authority(value));
  }
  CHECK_FALSE(ParsedRequest(get_host(std::string(255, 'a'))).refused());
  CHECK(ParsedRequest(get_host(std::string(256, 'a'))).refused());
}

TEST_CASE("target: Host comes once, and in HTTP/1.1 it comes", "[http][rfc9112-3.2]") {
  CHECK(ParsedRequest("GET /x HTTP/1.1\r\n\r\n").refused());
  CHECK(ParsedRequest("GET http://a.test/x HTTP/1.1\r\n\r\n").refused());
  CHECK(ParsedRequest(get("Host: a.test\r\n")).refused());
  CHECK(ParsedRequest(get("hOSt: b.test\r\n")).refused());
  CHECK(ParsedRequest("GET /x HTTP/1.0\r\nHost: a.test\r\nHost: a.test\r\n\r\n").refused());
  CHECK(ParsedRequest("GET /x HTTP/1.0\r\nHost:\r\n\r\n").refused());
}

TEST_CASE("target: an absolute form says host and path, whatever Host says", "[http][rfc9112-3.2.2]") {
  struct Row {
    std::string_view target;
    std::string_view authority;
    std::string_view path;
    std::string_view query;
  };
  for (const Row& row :
       {Row{"http://B.test/x", "b.test", "/x", ""}, Row{"HTTP://b.test:81/x?y", "b.test:81", "/x", "?y"},
        Row{"https://b.test", "b.test", "/", ""}, Row{"http://b.test?y", "b.test", "/", "?y"},
        Row{"http://b.test?/y", "b.test", "/", "?/y"}, Row{"http://[::1]:80//x/../y", "[::1]:80", "/y", ""}}) {
    const ParsedRequest request(get_target(row.target));
    INFO(row.target);
    REQUIRE_FALSE(request.refused());
    CHECK(request.head.target.authority == row.authority);
    CHECK(request.head.target.path == row.path);
    CHECK(request.head.target.query == row.query);
  }
}

TEST_CASE("target: what else stands where a target should", "[http][rfc9112-3.2]") {
  for (const std::string_view target : {"http:///x",
                                        "http://",
                                        "http://u:p@a.test/x",
                                        "http://@a.test/x",
                                        "http:/a.test/x",
                                        "http:a.test",
                                        "ftp://a.test/x",
                                        "file:///etc/passwd",
                                        "javascript:alert(1)",
                                        "gopher://a.test/x",
                                        "data:,x",
                                        "ws://a.test/x",
                                        "//",
                                        "?q",
                                        ";x",
                                        "@b.test/x",
                                        ":80/x",
                                        "a.test/x",
                                        "x",
                                        "*",
                                        "**",
                                        "http://a.test\\x",
                                        "http://a.test:x/",
                                        "http://a b/"}) {
    INFO(target);
    CHECK(ParsedRequest(get_target(target)).refused() == (target != "//"sv));
  }
}

TEST_CASE("target: the asterisk is for OPTIONS, and what a bare authority asks of it", "[http][rfc9112-3.2.4]") {
  const auto options = [](std::string_view target) {
    return ParsedRequest("OPTIONS " + std::string(target) + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
  };
  CHECK(options("*").head.target.path == "*");
  CHECK(options("*").head.target.lax_path == "*");
  CHECK(options("http://a.test").head.target.path == "*");
  CHECK(options("http://a.test/").head.target.path == "/");
  CHECK(options("http://a.test?x").head.target.path == "/");
  CHECK(options("/x").head.target.path == "/x");
}

TEST_CASE("target: bytes that a target may not hold at all", "[http][rfc3986-2]") {
  for (int c = 0; c < 256; ++c) {
    const bool allowed = c > 0x20 && c < 0x7f && c != '#';
    INFO(c);
    CHECK(ParsedRequest(get_target(std::string("/a?b") + static_cast<char>(c) + "c")).refused() != allowed);
  }
}

TEST_CASE("target: a query is passed on byte for byte", "[http]") {
  const std::string_view query = R"(?a=%2F..%00%zz&b=/../;'"<>[]{}|\^`?%25252e)";
  CHECK(ParsedRequest(get_target("/x" + std::string(query))).head.target.query == query);
  CHECK(ParsedRequest(get_target("/x?")).head.target.query == "?");
}
