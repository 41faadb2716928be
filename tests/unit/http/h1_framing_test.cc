#include "parsed.h"

using namespace rpx;
using namespace rpx::http;
using namespace rpx::http::test;
using namespace std::string_view_literals;

TEST_CASE("h1_parse: Content-Length is digits below 2^63", "[http][rfc9110-8.6]") {
  const std::pair<std::string_view, std::uint64_t> rows[] = {
      {"0", 0}, {"5", 5}, {"010", 10}, {"9223372036854775807", 9223372036854775807ULL}};
  for (const auto& [text, length] : rows) {
    const ParsedRequest request(post("Content-Length: " + std::string(text) + "\r\n"));
    REQUIRE_FALSE(request.refused());
    CHECK(request.head.framing == Framing::kLength);
    CHECK(request.head.content_length == length);
  }
  for (const std::string_view bad : {"",
                                     "-5",
                                     "-0",
                                     "+5",
                                     "5x",
                                     "x5",
                                     "5 5",
                                     "5, 5",
                                     "5,5",
                                     "0, 40",
                                     "5,",
                                     ",5",
                                     "5.0",
                                     "0x5",
                                     "5e0",
                                     "five",
                                     "5;",
                                     "\"5\"",
                                     "\xd9\xa5",
                                     "\xef\xbc\x95",
                                     "\xa0"
                                     "5",
                                     "18446744073709551621",
                                     "9223372036854775808",
                                     "340282366920938463463374607431768211461"}) {
    INFO(bad);
    const ParsedRequest request(post("Content-Length: " + std::string(bad) + "\r\n"));
    REQUIRE(request.refused());
    CHECK(request.kind() == ErrorKind::kBadRequest);
    CHECK(ParsedResponse(ok("Content-Length: " + std::string(bad) + "\r\n")).refused());
  }
}

TEST_CASE("h1_parse: Content-Length comes once", "[http][rfc9112-6.3]") {
  for (const std::string_view second : {"5", "6", "0"}) {
    const std::string fields = "Content-Length: 5\r\ncontent-length: " + std::string(second) + "\r\n";
    CHECK(ParsedRequest(post(fields)).refused());
    CHECK(ParsedResponse(ok(fields)).refused());
  }
}

TEST_CASE("h1_parse: Transfer-Encoding is one chunked in any case", "[http][rfc9112-6.1]") {
  for (const std::string_view value : {"chunked", "CHUNKED", "cHuNkEd", "\tchunked\t", " chunked "}) {
    const ParsedRequest request(post("Transfer-Encoding:" + std::string(value) + "\r\n"));
    REQUIRE_FALSE(request.refused());
    CHECK(request.head.framing == Framing::kChunked);
    CHECK(ParsedResponse(ok("Transfer-Encoding:" + std::string(value) + "\r\n")).head.framing == Framing::kChunked);
  }
  for (const std::string_view value : {""sv,
                                       "xchunked"sv,
                                       "chunkedx"sv,
                                       "identity, identity"sv,
                                       "gzip"sv,
                                       "Compress"sv,
                                       "x-chunked"sv,
                                       "gzip, chunked"sv,
                                       "chunked, identity"sv,
                                       "chunked, gzip"sv,
                                       "chunked, chunked"sv,
                                       "chunked,"sv,
                                       ",chunked"sv,
                                       "chunked;q=1"sv,
                                       "\"chunked\""sv,
                                       "'chunked'"sv,
                                       "\vchunked"sv,
                                       "\fchunked"sv,
                                       "chunked\0"sv,
                                       "\0chunked"sv,
                                       "\xa0"
                                       "chunked"sv,
                                       "chunked\x85"sv,
                                       "chun\xe2\x84\xaa"
                                       "ed"sv,
                                       "identity chunked"sv,
                                       "chunked\\"sv,
                                       "\x01"
                                       "chunked"sv,
                                       "chunked\rx"sv,
                                       "chun ked"sv}) {
    INFO(value);
    const std::string field = "Transfer-Encoding: " + std::string(value) + "\r\n";
    CHECK(ParsedRequest(post(field)).refused());
    CHECK(ParsedRequest(post(field + "Content-Length: 5\r\n")).refused());
    CHECK(ParsedResponse(ok(field)).refused());
  }
}

TEST_CASE("h1_parse: a reply in a coding that nobody knows ends when the server closes", "[http][rfc9112-6.3]") {
  for (const std::string_view value : {"identity"sv, "Identity"sv, "abc"sv}) {
    const std::string field = "Transfer-Encoding: " + std::string(value) + "\r\n";
    CHECK(ParsedRequest(post(field)).refused());
    const ParsedResponse response(ok(field));
    REQUIRE_FALSE(response.refused());
    CHECK(response.head.framing == Framing::kClose);
    CHECK_FALSE(response.head.keep_alive);
    CHECK(ParsedResponse(ok(field + "Content-Length: 5\r\n")).refused());
    CHECK(ParsedResponse(ok("Content-Length: 5\r\n" + field)).refused());
    CHECK(ParsedResponse(ok(field + field)).refused());
  }
}

TEST_CASE("h1_parse: two ways to frame a body are one too many", "[http][rfc9112-6.3]") {
  for (const std::string_view fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n"}) {
    INFO(fields);
    CHECK(ParsedRequest(post(fields)).refused());
    CHECK(ParsedResponse(ok(fields)).refused());
  }
}

TEST_CASE("h1_parse: HTTP/1.0 knows no transfer codings", "[http][rfc9112-6.1]") {
  CHECK(ParsedRequest("POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").refused());
  CHECK(ParsedResponse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").refused());
}

TEST_CASE("h1_parse: a request without either has no body, TE frames nothing", "[http][rfc9112-6.3]") {
  CHECK(ParsedRequest(post("")).head.framing == Framing::kNone);
  const ParsedRequest request(post("TE: chunked\r\nContent-Length: 5\r\n"));
  CHECK(request.head.framing == Framing::kLength);
}

TEST_CASE("h1_parse: Connection options are read from every line", "[http][rfc9110-7.6.1]") {
  CHECK_FALSE(ParsedRequest(get("Connection: close\r\n")).head.keep_alive);
  CHECK_FALSE(ParsedRequest(get("Connection: x, Close ,y\r\n")).head.keep_alive);
  CHECK_FALSE(ParsedRequest(get("Connection: keep-alive\r\nConnection: close\r\n")).head.keep_alive);
  CHECK(ParsedRequest(get("Connection: closed\r\n")).head.keep_alive);
  CHECK(ParsedRequest(get("Connection:\r\n")).head.keep_alive);
}

TEST_CASE("h1_parse: more than 64 connection options are refused", "[http]") {
  std::string options = "a";
  for (int i = 1; i < 64; ++i) options += ",a";
  CHECK_FALSE(ParsedRequest(get("Connection: " + options + "\r\n")).refused());
  CHECK(ParsedRequest(get("Connection: " + options + ",a\r\n")).refused());
  CHECK(ParsedRequest(get("Connection: " + options + "\r\nConnection: a\r\n")).refused());
}

TEST_CASE("h1_parse: an upgrade takes Connection, Upgrade, HTTP/1.1 and no body", "[http][rfc9110-7.8]") {
  const auto wants = [](std::string_view text) {
    const ParsedRequest request(text);
    REQUIRE_FALSE(request.refused());
    return request.head.wants_upgrade;
  };
  CHECK(wants(get("Connection: Upgrade\r\nUpgrade: websocket\r\n")));
  CHECK(wants(get("Connection: keep-alive, upgrade\r\nUpgrade: SPDY/3.1\r\n")));
  CHECK(wants(get("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n")));
  CHECK_FALSE(wants(get("Upgrade: websocket\r\n")));
  CHECK_FALSE(wants(get("Connection: Upgrade\r\n")));
  CHECK_FALSE(wants(get("Connection: Upgrade\r\nUpgrade:\r\n")));
  CHECK_FALSE(wants(get("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n")));
  CHECK_FALSE(wants(get("Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n")));
  CHECK_FALSE(wants("GET /x HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
}

TEST_CASE("h1_parse: an upgrade to HTTP or TLS would be a tunnel past us", "[http]") {
  for (const std::string_view protocol :
       {"h2c", "H2C", "h2", "websocket, h2c", "h2c, websocket", "HTTP/2.0", "TLS/1.2", "h3"}) {
    INFO(protocol);
    CHECK_FALSE(
        ParsedRequest(get("Connection: Upgrade\r\nUpgrade: " + std::string(protocol) + "\r\n")).head.wants_upgrade);
  }
}

TEST_CASE("h1_parse: the one expectation there is", "[http][rfc9110-10.1.1]") {
  CHECK(ParsedRequest(post("Expect: 100-continue\r\nContent-Length: 5\r\n")).head.expects_continue);
  CHECK(ParsedRequest(post("Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n")).head.expects_continue);
  // Nothing is held back where there is nothing to send.
  CHECK_FALSE(ParsedRequest(post("Expect: 100-continue\r\n")).head.expects_continue);
  for (const std::string_view value :
       {"", "x", "x, 100-continue", "y 100-continue", "100-continue;a", "100-continue, 100-continue"}) {
    const ParsedRequest request(post("Expect: " + std::string(value) + "\r\nContent-Length: 5\r\n"));
    REQUIRE(request.refused());
    CHECK(request.kind() == ErrorKind::kExpectationFailed);
  }
  CHECK(ParsedRequest(post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n")).refused());

  const ParsedRequest old("POST /x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  REQUIRE_FALSE(old.refused());
  CHECK_FALSE(old.head.expects_continue);
  CHECK_FALSE(old.head.headers.has(FieldId::kExpect));
}
