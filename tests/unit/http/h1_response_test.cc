#include "parsed.h"

using namespace rpx;
using namespace rpx::http;
using namespace rpx::http::test;
using namespace std::string_view_literals;

TEST_CASE("h1_parse: a response is taken apart", "[http][rfc9112-4]") {
  const ParsedResponse response("HTTP/1.1 404 Not \xe9 Found\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello");
  REQUIRE(response.result == response.bytes.size() - 5);
  CHECK(response.head.status == 404);
  CHECK(response.head.reason == "Not \xe9 Found");
  CHECK(response.head.minor_version == 1);
  CHECK(response.head.framing == Framing::kLength);
  CHECK(response.head.content_length == 5);
  CHECK(response.head.keep_alive);
  CHECK(response.head.headers.value("x-a") == "b");
}

TEST_CASE("h1_parse: a response that comes byte by byte is taken when it is whole and not before", "[http]") {
  for (const std::string& whole : {ok("Content-Length: 5\r\n"), ok(""), std::string("HTTP/1.0 200\r\n\r\n"),
                                   std::string("HTTP/1.1 999 \r\nA:b\r\n\r\n")}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      INFO(whole.substr(0, size));
      CHECK(ParsedResponse(whole.substr(0, size)).result == 0U);
    }
    CHECK(ParsedResponse(whole + "rest").result == whole.size());
  }
}

TEST_CASE("h1_parse: status lines with little in them", "[http][rfc9112-4]") {
  for (const std::string_view line : {"HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 200 OK", "HTTP/1.0 200 OK"}) {
    const ParsedResponse response(std::string(line) + "\r\n\r\n");
    REQUIRE_FALSE(response.refused());
    CHECK(response.head.status == 200);
  }
  CHECK(ParsedResponse("HTTP/1.1 600 X\r\n\r\n").head.status == 600);
}

TEST_CASE("h1_parse: status lines that are refused", "[http][rfc9112-4]") {
  for (const std::string_view line :
       {"HTTP/1.1 99 X"sv,     "HTTP/1.1 1000 X"sv,   "HTTP/1.1 2x0 X"sv,      "HTTP/1.1 -200 X"sv,
        "HTTP/1.1 000 X"sv,    "HTTP/1.1 099 X"sv,    "HTTP/1.1  X"sv,         "HTTP/1.1  200 OK"sv,
        "HTTP/1.1"sv,          "HTTP/1.1 "sv,         "HTTP/2.0 200 OK"sv,     "HTTP/1.2 200 OK"sv,
        "HTTP/0.9 200 OK"sv,   "http/1.1 200 OK"sv,   "<html>hello</html>"sv,  "HTTP/1.1\t200 OK"sv,
        "HTTP/1.1 200\tOK"sv,  "HTTP/1.1 200 O\0K"sv, "HTTP/1.1 200 O\rK"sv,   "HTTP/1.1 200 O\x7fK"sv,
        "HTTP/1.1 200 OK\r"sv, " HTTP/1.1 200 OK"sv,  "\r\nHTTP/1.1 200 OK"sv, "ICY 200 OK"sv,
        "HTTP/1.1 +20 OK"sv}) {
    const ParsedResponse response(std::string(line) + "\r\nContent-Length: 0\r\n\r\n");
    INFO(line);
    REQUIRE(response.refused());
    CHECK(response.kind() == ErrorKind::kBadResponse);
    CHECK(response.result.error().side == Side::kUpstream);
  }
}

TEST_CASE("h1_parse: fields of responses are read as strictly", "[http][rfc9112-5]") {
  for (const std::string_view field :
       {"X-A: b\rX-B: c\r\n"sv, "X-A: b\r\n c\r\n"sv, "X-A : b\r\n"sv, "Content-Length : 5\r\n"sv, ": b\r\n"sv,
        "X(A: b\r\n"sv, "X-A: \x01\r\n"sv, "X-A: b\nX-B: c\r\n"sv}) {
    const ParsedResponse response(ok(field));
    INFO(field);
    REQUIRE(response.refused());
    CHECK(response.kind() == ErrorKind::kBadResponse);
  }
  // Odd names are the origin's own; what they may confuse is behind it.
  CHECK_FALSE(ParsedResponse(ok("X_Request_ID: 1\r\n")).refused());
}

TEST_CASE("h1_parse: responses are bounded", "[http]") {
  Limits limits;
  limits.header_bytes = 100;
  limits.headers = 2;
  for (const std::string& text :
       {ok("A: 1\r\nB: 2\r\nC: 3\r\n"), ok("A: " + std::string(100, 'a') + "\r\n"),
        "HTTP/1.1 200 " + std::string(100, 'a'), ok("A: " + std::string(100, 'a')).substr(0, 100)}) {
    const ParsedResponse response(text, Method::kGet, limits);
    REQUIRE(response.refused());
    CHECK(response.kind() == ErrorKind::kResponseTooLarge);
  }
}

TEST_CASE("h1_parse: how the end of a response's body is known", "[http][rfc9112-6.3]") {
  struct Row {
    std::string_view status;
    std::string_view fields;
    Method method;
    Framing framing;
    bool keep_alive;
  };
  using enum Framing;
  for (const Row& row : {
           Row{"200", "Content-Length: 5\r\n", Method::kGet, kLength, true},
           Row{"200", "Content-Length: 0\r\n", Method::kGet, kLength, true},
           Row{"200", "Transfer-Encoding: chunked\r\n", Method::kGet, kChunked, true},
           Row{"200", "", Method::kGet, kClose, false},
           Row{"200", "Connection: keep-alive\r\n", Method::kGet, kClose, false},
           Row{"200", "Content-Length: 5\r\nConnection: close\r\n", Method::kGet, kLength, false},
           Row{"200", "Content-Length: 5\r\n", Method::kHead, kNone, true},
           Row{"200", "Transfer-Encoding: chunked\r\n", Method::kHead, kNone, true},
           Row{"200", "", Method::kHead, kNone, true},
           Row{"304", "Content-Length: 5\r\n", Method::kGet, kNone, true},
           Row{"304", "", Method::kGet, kNone, true},
           Row{"204", "", Method::kGet, kNone, true},
           Row{"204", "Content-Length: 0\r\n", Method::kGet, kNone, true},
           // A body that must not be there may come all the same: the connection is not used again.
           Row{"204", "Content-Length: 5\r\n", Method::kGet, kNone, false},
           Row{"204", "Transfer-Encoding: chunked\r\n", Method::kGet, kNone, false},
           Row{"100", "", Method::kPost, kNone, true},
           Row{"103", "Link: </a>\r\n", Method::kGet, kNone, true},
           Row{"101", "Connection: upgrade\r\nUpgrade: websocket\r\n", Method::kGet, kNone, true},
           Row{"500", "", Method::kPost, kClose, false},
       }) {
    INFO(row.status << " " << row.fields);
    const ParsedResponse response("HTTP/1.1 " + std::string(row.status) + " X\r\n" + std::string(row.fields) + "\r\n",
                                  row.method);
    REQUIRE_FALSE(response.refused());
    CHECK(response.head.framing == row.framing);
    CHECK(response.head.keep_alive == row.keep_alive);
  }
}

TEST_CASE("h1_parse: a response to HEAD keeps its length for the client", "[http][rfc9110-8.6]") {
  CHECK(ParsedResponse(ok("Content-Length: 5\r\n"), Method::kHead).head.content_length == 5);
}

TEST_CASE("h1_parse: interim responses have no body", "[http][rfc9110-15.2]") {
  CHECK(ParsedResponse("HTTP/1.1 103 X\r\nContent-Length: 5\r\n\r\n").refused());
  CHECK(ParsedResponse("HTTP/1.1 100 X\r\nTransfer-Encoding: chunked\r\n\r\n").refused());
  CHECK(ParsedResponse("HTTP/1.1 101 X\r\nContent-Length: 0\r\n\r\n").refused());
}

TEST_CASE("h1_parse: HTTP/1.0 servers close unless they say otherwise", "[http][rfc9112-9.3]") {
  CHECK_FALSE(ParsedResponse("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n").head.keep_alive);
  CHECK(ParsedResponse("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n").head.keep_alive);
}
