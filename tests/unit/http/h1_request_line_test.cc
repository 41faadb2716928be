#include "parsed.h"

using namespace rpx;
using namespace rpx::http;
using namespace rpx::http::test;
using namespace std::string_view_literals;

TEST_CASE("h1_parse: a request is taken apart", "[http][rfc9112-3]") {
  const ParsedRequest request(
      "POST /a/b?c=d HTTP/1.1\r\nHost: a.test:8080\r\nContent-Length: 5\r\nX-A: \t b c \t\r\nX-Empty:\r\n\r\nhello");
  REQUIRE(request.result == request.bytes.size() - 5);
  CHECK(request.head.method == Method::kPost);
  CHECK(request.head.method_name == "POST");
  CHECK(request.head.raw_target == "/a/b?c=d");
  CHECK(request.head.target.path == "/a/b");
  CHECK(request.head.target.query == "?c=d");
  CHECK(request.head.target.host == "a.test");
  CHECK(request.head.target.authority == "a.test:8080");
  CHECK(request.head.target.port == 8080);
  CHECK(request.head.minor_version == 1);
  CHECK(request.head.framing == Framing::kLength);
  CHECK(request.head.content_length == 5);
  CHECK(request.head.keep_alive);
  CHECK_FALSE(request.head.expects_continue);
  CHECK_FALSE(request.head.wants_upgrade);
  REQUIRE(request.head.headers.size() == 4);
  CHECK(request.head.headers.value("x-a") == "b c");
  CHECK(request.head.headers.find("x-empty") != nullptr);
}

TEST_CASE("h1_parse: a head that comes byte by byte is taken when it is whole and not before", "[http]") {
  for (const std::string& whole : {get("X-A: b\r\n"), get("Cookie: a=b\r\nAccept: */*\r\n"), "\r\n" + get(""),
                                   get_target("http://B.test:80/%41/../x;y?q"), post("Transfer-Encoding: chunked\r\n"),
                                   std::string("GET / HTTP/1.0\r\n\r\n")}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      INFO(whole.substr(0, size));
      CHECK(ParsedRequest(whole.substr(0, size)).result == 0U);
    }
    CHECK(ParsedRequest(whole).result == whole.size());
    CHECK(ParsedRequest(whole + "GET /next").result == whole.size());
  }
}

TEST_CASE("h1_parse: one empty line before a request is skipped", "[http][rfc9112-2.2]") {
  CHECK(ParsedRequest("\r\n" + get("")).result == get("").size() + 2);
  CHECK(ParsedRequest("\r\n\r\n" + get("")).refused());
  CHECK(ParsedRequest("\n" + get("")).refused());
  CHECK(ParsedRequest("\rG").refused());
}

TEST_CASE("h1_parse: request lines that are refused", "[http][rfc9112-3]") {
  for (const std::string_view line : {"GET  /x HTTP/1.1"sv,
                                      "GET\t/x HTTP/1.1"sv,
                                      "GET /x\tHTTP/1.1"sv,
                                      "GET /x  HTTP/1.1"sv,
                                      "GET /x HTTP/1.1 "sv,
                                      "GET /a b HTTP/1.1"sv,
                                      "GET /x"sv,
                                      "GET HTTP/1.1"sv,
                                      "GET  HTTP/1.1"sv,
                                      "/x HTTP/1.1"sv,
                                      " /x HTTP/1.1"sv,
                                      " GET /x HTTP/1.1"sv,
                                      "GET /x\rHTTP/1.1"sv,
                                      "GET /x HTTP/1.1\r"sv,
                                      "GET /x HTTP/1.1\0"sv,
                                      "GET /x HTTP/1.1x"sv,
                                      "GET /x HTTP/01.1"sv,
                                      "GET /x HTTP/1"sv,
                                      "GET /x HTTP/1."sv,
                                      "GET /x HTTP/11"sv,
                                      "GET /x HTTP/+1.1"sv,
                                      "GET /x HTTP/-1.1"sv,
                                      "GET /x HTTP/ 1.1"sv,
                                      "GET /x http/1.1"sv,
                                      "GET /x Http/1.1"sv,
                                      "GET /x HTTPS/1.1"sv,
                                      "GET /x ICAP/1.0"sv,
                                      "GET /x HTTP/4294967297.1"sv,
                                      "GET /x HTTP/1.01"sv,
                                      "GET /x HTTP/1.10"sv,
                                      "GET /x HTTP/\r\r1.1"sv,
                                      "GET /x HTTP/1.a"sv,
                                      "GET /x HTTP/1,1"sv,
                                      "G(T /x HTTP/1.1"sv,
                                      "GET: /x HTTP/1.1"sv,
                                      "GE\x01T /x HTTP/1.1"sv,
                                      "GE\xc9T /x HTTP/1.1"sv,
                                      "G\"T /x HTTP/1.1"sv,
                                      "{GET} /x HTTP/1.1"sv,
                                      "G\0T /x HTTP/1.1"sv,
                                      "G,T /x HTTP/1.1"sv,
                                      "G/T /x HTTP/1.1"sv,
                                      "PRI * HTTP/2.0"sv,
                                      "PRI /x HTTP/1.1"sv,
                                      "PROXY TCP4 10.0.0.1 10.0.0.2 1 2"sv,
                                      "\x04\x01\x00P\x7f\x00\x00\x01\x00"sv,
                                      "\x16\x03\x01\x02\x00\x01"sv}) {
    const ParsedRequest request(std::string(line) + "\r\nHost: a.test\r\n\r\n");
    INFO(line);
    REQUIRE(request.refused());
    CHECK(request.kind() == ErrorKind::kBadRequest);
    CHECK(request.result.error().side == Side::kClient);
  }
}

TEST_CASE("h1_parse: bare line feeds end nothing", "[http][rfc9112-2.2]") {
  for (const std::string_view text :
       {"GET /x HTTP/1.1\nHost: a.test\n\n"sv, "GET /x HTTP/1.1\r\nHost: a.test\nX-A: b\r\n\r\n"sv,
        "GET /x HTTP/1.1\r\nHost: a.test\r\n\n"sv, "GET /x HTTP/1.1\nHost: a.test\r\n\r\n"sv})
    CHECK(ParsedRequest(text).refused());
}

TEST_CASE("h1_parse: versions other than 1.0 and 1.1 are told from nonsense", "[http][rfc9110-2.5]") {
  for (const std::string_view version :
       {"HTTP/9.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/0.9", "HTTP/0.1", "HTTP/3.1"}) {
    const ParsedRequest request("GET /x " + std::string(version) + "\r\nHost: a.test\r\n\r\n");
    INFO(version);
    REQUIRE(request.refused());
    CHECK(request.kind() == ErrorKind::kVersionNotSupported);
  }
}

TEST_CASE("h1_parse: CONNECT and TRACE are not for a reverse proxy", "[http][rfc9110-9.3.6]") {
  for (const std::string_view line : {"CONNECT b.test:443 HTTP/1.1", "CONNECT /x HTTP/1.1", "TRACE /x HTTP/1.1"}) {
    const ParsedRequest request(std::string(line) + "\r\nHost: a.test\r\n\r\n");
    REQUIRE(request.refused());
    CHECK(request.kind() == ErrorKind::kMethodNotAllowed);
  }
  CHECK(ParsedRequest("connect /x HTTP/1.1\r\nHost: a.test\r\n\r\n").head.method == Method::kOther);
}

TEST_CASE("h1_parse: a method is any token of at most 32 bytes", "[http][rfc9110-9.1]") {
  CHECK_FALSE(ParsedRequest("FROB /x HTTP/1.1\r\nHost: a.test\r\n\r\n").refused());
  CHECK_FALSE(ParsedRequest("M-SEARCH! /x HTTP/1.1\r\nHost: a.test\r\n\r\n").refused());
  CHECK_FALSE(ParsedRequest(std::string(32, 'A') + " /x HTTP/1.1\r\nHost: a.test\r\n\r\n").refused());
  CHECK(ParsedRequest(std::string(33, 'A')).refused());
}

TEST_CASE("h1_parse: what cannot become valid is refused at its first bad byte", "[http]") {
  const std::string_view good = "GET /x HTTP/1.1\r\nHost: a.test\r\nX-A: b\r\n\r\n";
  // NUL is allowed nowhere, so whatever stands before it, the first NUL ends all hope.
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string text(good.substr(0, at));
    text += '\0';
    INFO(at);
    CHECK(ParsedRequest(text).refused());
  }
  for (const std::string_view start :
       {"GET /x HTTP/2"sv, "GET /x X"sv, "GET /x HTTP/1.1\r\n "sv, "GET /x HTTP/1.1\r\nA b"sv, "GET /x HTTP/1.1\rx"sv,
        "GET /x HTTP/1.1\r\nA: b\rc"sv, "GET /x HTTP/1.1\r\n:"sv}) {
    INFO(start);
    CHECK((ParsedRequest(start).refused() || start == "GET /x HTTP/2"));
  }
}

TEST_CASE("h1_parse: a target longer than uri_bytes is refused before it ends", "[http]") {
  Limits limits;
  limits.uri_bytes = 100;
  CHECK_FALSE(ParsedRequest(get_target("/" + std::string(99, 'a')), limits).refused());
  const ParsedRequest ended(get_target("/" + std::string(100, 'a')), limits);
  REQUIRE(ended.refused());
  CHECK(ended.kind() == ErrorKind::kUriTooLong);
  const ParsedRequest endless("GET /" + std::string(100, 'a'), limits);
  REQUIRE(endless.refused());
  CHECK(endless.kind() == ErrorKind::kUriTooLong);
}

TEST_CASE("h1_parse: a request line of 8000 bytes passes by default", "[http][rfc9110-4.1]") {
  CHECK_FALSE(ParsedRequest(get_target("/" + std::string(7990, 'a'))).refused());
}

TEST_CASE("h1_parse: HTTP/1.0 may come without Host and does not stay by default", "[http][rfc9112-9.3]") {
  const ParsedRequest request("GET /x HTTP/1.0\r\n\r\n");
  REQUIRE_FALSE(request.refused());
  CHECK(request.head.minor_version == 0);
  CHECK(request.head.target.host.empty());
  CHECK_FALSE(request.head.keep_alive);
  CHECK(ParsedRequest("GET /x HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").head.keep_alive);
  CHECK_FALSE(ParsedRequest("GET /x HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").head.keep_alive);
  CHECK(ParsedRequest("GET /x HTTP/1.0\r\nHost: a.test\r\n\r\n").head.target.host == "a.test");
}
