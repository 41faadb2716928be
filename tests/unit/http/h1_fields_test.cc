#include "http/field_lines.h"
#include "parsed.h"

using namespace rpx;
using namespace rpx::http;
using namespace rpx::http::test;
using namespace std::string_view_literals;

TEST_CASE("h1_parse: bytes that a field name may not hold", "[http][rfc9110-5.1]") {
  for (int c = 0; c < 256; ++c) {
    const std::string name = std::string("X") + static_cast<char>(c) + "A";
    const bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    // A colon ends the name, and all bytes after it are a value.
    const bool allowed =
        letter || c == ':' || (c > 0 && "!#$%&'*+-.^_`|~"sv.find(static_cast<char>(c)) != std::string_view::npos);
    INFO(c);
    CHECK(ParsedRequest(get(name + ": b\r\n")).refused() != allowed);
  }
}

TEST_CASE("h1_parse: bytes that a field value may not hold", "[http][rfc9110-5.5]") {
  for (int c = 0; c < 256; ++c) {
    const bool allowed = c == '\t' || (c >= 0x20 && c != 0x7f);
    // Long and short, so that every way through the scanner is taken.
    for (const std::size_t before : {0U, 1U, 6U, 7U, 8U, 9U, 30U}) {
      for (const std::size_t after : {0U, 1U, 7U, 8U, 20U}) {
        const std::string value = std::string(before, 'a') + static_cast<char>(c) + std::string(after, 'b');
        const ParsedRequest request(get("X-A: " + value + "\r\n"));
        if (request.refused() == allowed) FAIL("byte " << c << " after " << before << " before " << after);
        if (allowed && c != ' ' && c != '\t') CHECK(request.head.headers.value("X-A") == value);
      }
    }
  }
}

TEST_CASE("field_lines: a bad byte is refused as soon as it is there, however short the input", "[http][rfc9112-5]") {
  const auto read = [](const std::string& text) {
    Headers fields;
    return read_field_lines(text, 0, Limits{}, fields);
  };
  for (std::size_t size = 1; size < 50; ++size) {
    INFO(size);
    const std::string name(size, 'n');
    const std::string line = "A: " + name;
    for (const std::string& good : {name, line}) {
      const FieldLines open = read(good);
      CHECK(open.fault == nullptr);
      CHECK(open.end == 0);
    }
    CHECK(read(name + '(').fault != nullptr);
    CHECK(read(line + '\x01').fault != nullptr);
    CHECK(read(line + '\x7f' + "more").fault != nullptr);
    CHECK(read(line + "\r\n\r\n").end == line.size() + 4);
  }
}

TEST_CASE("h1_parse: tabs and blanks inside a value stay, around it they go", "[http][rfc9112-5]") {
  const ParsedRequest request(get("X-A:\t  a \t\tb, long enough for words\tof eight \t \r\nX-B: \t \r\nX-C:c\r\n"));
  REQUIRE_FALSE(request.refused());
  CHECK(request.head.headers.value("X-A") == "a \t\tb, long enough for words\tof eight");
  CHECK(request.head.headers.value("X-B").empty());
  CHECK(request.head.headers.value("X-C") == "c");
}

TEST_CASE("h1_parse: lines that are not fields", "[http][rfc9112-5.1]") {
  for (const std::string_view line :
       {"X-A : b\r\n"sv, "X-A\t: b\r\n"sv, ": b\r\n"sv, ":\r\n"sv, "X-A\r\n"sv, "Transfer-Encoding chunked\r\n"sv,
        " X-A: b\r\n"sv, "\tX-A: b\r\n"sv, "X-A: b\r\n c\r\n"sv, "X-A: b\r\n\tc\r\n"sv, "X-A:\r\n b\r\n"sv,
        "\rX-A: b\r\n"sv, "X-A: b\r\r\n"sv, "X-A: b\rc\r\n"sv, "X-A: b\nX-B: c\r\n"sv, "X-A: b\n\r\n"sv, "\r\r\n"sv,
        " \r\n"sv}) {
    const ParsedRequest request(get(line));
    INFO(line);
    REQUIRE(request.refused());
    CHECK(request.kind() == ErrorKind::kBadRequest);
  }
}

TEST_CASE("h1_parse: the first field line may not be folded either", "[http][rfc9112-2.2]") {
  CHECK(ParsedRequest("GET /x HTTP/1.1\r\n Host: b.test\r\nHost: a.test\r\n\r\n").refused());
}

TEST_CASE("h1_parse: field lines are counted", "[http]") {
  Limits limits;
  limits.headers = 3;
  CHECK_FALSE(ParsedRequest(get("A: 1\r\nB: 2\r\n"), limits).refused());
  const ParsedRequest request(get("A: 1\r\nB: 2\r\nC: 3\r\n"), limits);
  REQUIRE(request.refused());
  CHECK(request.kind() == ErrorKind::kHeaderTooLarge);
}

TEST_CASE("h1_parse: a head is bounded whether it has ended or not", "[http]") {
  Limits limits;
  limits.header_bytes = 200;
  const std::size_t fixed = get("X-A: \r\n").size();
  CHECK_FALSE(ParsedRequest(get("X-A: " + std::string(200 - fixed, 'b') + "\r\n"), limits).refused());
  const ParsedRequest ended(get("X-A: " + std::string(201 - fixed, 'b') + "\r\n"), limits);
  REQUIRE(ended.refused());
  CHECK(ended.kind() == ErrorKind::kHeaderTooLarge);

  // A buffer of header_bytes that is full and holds no whole head never will.
  for (const std::string& start :
       {std::string("GET /x HTTP/1.1\r\nHost: a.test\r\n"), std::string("GET /x HTTP/1.1\r\n")}) {
    const ParsedRequest endless(start + "X-A: " + std::string(200 - start.size() - 5, 'b'), limits);
    REQUIRE(endless.refused());
    CHECK(endless.kind() == ErrorKind::kHeaderTooLarge);
  }
  CHECK(ParsedRequest("GET /" + std::string(194, 'a'), limits).result == 0U);
  CHECK(ParsedRequest("GET /" + std::string(195, 'a'), limits).refused());
  // What follows the head is not counted.
  CHECK_FALSE(ParsedRequest(get("") + std::string(1000, 'b'), limits).refused());
}

TEST_CASE("h1_parse: names that variables cannot tell from ours are refused", "[http]") {
  for (const std::string_view name : {"X_Forwarded_For", "x_forwarded-for", "X.Forwarded.For", "Content_Length",
                                      "Transfer_Encoding", "Transfer.Encoding", "X-Forwarded_Proto", "X_Forwarded_Host",
                                      "X_Real_IP", "Proxy_Connection", "X_Request_ID", "Max_Forwards"}) {
    INFO(name);
    CHECK(ParsedRequest(get(std::string(name) + ": 1\r\n")).refused());
  }
  for (const std::string_view name : {"X_Custom_Header", "X!#$%&'*+.^_`|~", "User_Agent", "_", "X_Forwarded_For_Me"}) {
    INFO(name);
    CHECK_FALSE(ParsedRequest(get(std::string(name) + ": 1\r\n")).refused());
  }
}

TEST_CASE("h1_parse: an odd name is not taken for an odd spelling", "[http]") {
  CHECK_FALSE(looks_like_known_field("X-Forwarded-For"));
  CHECK_FALSE(looks_like_known_field("Content-Length"));
  CHECK(looks_like_known_field("content_length"));
  CHECK_FALSE(looks_like_known_field(std::string(100, '_')));
}
