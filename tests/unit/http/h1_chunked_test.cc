#include "http/h1_chunked.h"

#include <catch2/catch.hpp>

using namespace rpx;
using namespace rpx::http;
using namespace std::string_view_literals;

namespace {

struct Decoded {
  bool refused = false;
  bool done = false;
  ErrorKind kind{};
  std::string payload;
  std::size_t consumed = 0;
  std::vector<std::pair<std::string, std::string>> trailers;

  bool operator==(const Decoded&) const = default;
};

/// Decodes `text` in pieces of these sizes, the last one repeated.
Decoded decode(std::string_view text, std::initializer_list<std::size_t> pieces = {SIZE_MAX}, Side side = Side::kClient,
               const Limits& limits = {}) {
  Decoded out;
  ChunkedDecoder decoder(side);
  const auto* piece = pieces.begin();
  while (!text.empty() && !out.done && !out.refused) {
    std::string buffer(text.substr(0, *piece));
    text.remove_prefix(buffer.size());
    if (piece + 1 != pieces.end()) ++piece;
    const auto step = decoder.decode(buffer, limits);
    if (!step) {
      out.refused = true;
      out.kind = step.error().kind;
      CHECK(step.error().side == side);
      break;
    }
    if (!step->done) CHECK(step->consumed == buffer.size());
    out.payload += buffer.substr(0, step->produced);
    out.consumed += step->consumed;
    out.done = step->done;
  }
  if (out.done)
    for (const Field& field : decoder.trailers()) out.trailers.emplace_back(field.name, field.value);
  return out;
}

}  // namespace

TEST_CASE("h1_chunked: a body is put together however it was cut", "[http][rfc9112-7.1]") {
  constexpr std::string_view kBody =
      "5\r\nhello\r\n1;a=\"b\\\"c\";d\r\n \r\n00a\r\n0123456789\r\n0;x\r\nX-T: v\r\n\r\n";
  const Decoded whole = decode(kBody);
  CHECK(whole.done);
  CHECK(whole.payload == "hello 0123456789");
  CHECK(whole.consumed == kBody.size());
  REQUIRE(whole.trailers.size() == 1);
  CHECK(whole.trailers[0] == std::pair<std::string, std::string>("X-T", "v"));
  for (std::size_t first = 1; first < kBody.size(); ++first) {
    INFO(first);
    CHECK(decode(kBody, {first, SIZE_MAX}) == whole);
    CHECK(decode(kBody, {first}) == whole);
  }
}

TEST_CASE("h1_chunked: what follows the body is left alone", "[http]") {
  for (const std::string_view body : {"0\r\n\r\n", "1\r\na\r\n0\r\n\r\n", "0\r\nA: b\r\n\r\n"}) {
    const std::string text = std::string(body) + "GET /next";
    for (std::size_t first = 1; first <= text.size(); ++first) {
      const Decoded decoded = decode(text, {first, SIZE_MAX});
      CHECK(decoded.done);
      CHECK(decoded.consumed == body.size());
    }
  }
}

TEST_CASE("h1_chunked: a body that has not ended is not done", "[http]") {
  constexpr std::string_view kBody = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t size = 0; size < kBody.size(); ++size) {
    const Decoded decoded = decode(kBody.substr(0, size));
    CHECK_FALSE(decoded.done);
    CHECK_FALSE(decoded.refused);
  }
}

TEST_CASE("h1_chunked: sizes are hex digits", "[http][rfc9112-7.1]") {
  CHECK(decode("A\r\n0123456789\r\n0\r\n\r\n").payload == "0123456789");
  CHECK(decode("0005\r\nhello\r\n000\r\n\r\n").payload == "hello");
  for (const std::string_view line : {"0x5"sv, "+5"sv, "-5"sv, " 5"sv, "0_5"sv, "5.0"sv, "5\xa0"sv, "5h"sv, ";"sv, ""sv,
                                      "5 5"sv, "\t5"sv, "5,"sv, "5\0"sv, "g"sv, "5\v"sv, "\xd9\xa5"sv}) {
    INFO(line);
    const Decoded decoded = decode(std::string(line) + "\r\nhello\r\n0\r\n\r\n");
    CHECK(decoded.refused);
    CHECK(decoded.kind == ErrorKind::kBadRequest);
    CHECK(decode(std::string(line) + "\r\nhello\r\n0\r\n\r\n", {SIZE_MAX}, Side::kUpstream).kind ==
          ErrorKind::kBadResponse);
  }
}

TEST_CASE("h1_chunked: sizes do not overflow", "[http][rfc9112-7.1]") {
  for (const std::string_view line :
       {"10000000000000005", "FFFFFFFFFFFFFFFB", "8000000000000000", "00000000000000005"}) {
    INFO(line);
    CHECK(decode(std::string(line) + "\r\nhello\r\n0\r\n\r\n").refused);
  }
  CHECK_FALSE(decode("7fffffffffffffff\r\nhello").refused);
  CHECK_FALSE(decode("100000005\r\nhello\r\n0\r\n\r\n").done);
  CHECK(decode("0000000000000005\r\nhello\r\n0\r\n\r\n").done);
}

TEST_CASE("h1_chunked: lines end with CR LF and with nothing else", "[http][rfc9112-7.1]") {
  for (const std::string_view text :
       {"5\nhello\r\n0\r\n\r\n"sv, "5\rhello\r\n0\r\n\r\n"sv, "5\rXhello\r\n0\r\n\r\n"sv, "5\r\r\nhello\r\n0\r\n\r\n"sv,
        "5\n\rhello\r\n0\r\n\r\n"sv, "5\r\nhello\n0\r\n\r\n"sv, "5\r\nhelloXX0\r\n\r\n"sv, "5\r\nhello\rX0\r\n\r\n"sv,
        "5\r\nhello0\r\n\r\n"sv, "5\r\nhello\r\n\r\n0\r\n\r\n"sv, "\r\n5\r\nhello\r\n0\r\n\r\n"sv,
        "5\r\nhel\r\n0\r\n\r\n"sv, "0\n\r\n"sv, "0\r\n\n"sv, "0\r\n\r\r\n"sv, "0\r\nXXGET /smuggled HTTP/1.1\r\n"sv,
        "5\r\r;a\r\nhello\r\n0\r\n\r\n"sv}) {
    INFO(text);
    CHECK(decode(text).refused);
    CHECK(decode(text, {1}).refused);
  }
}

TEST_CASE("h1_chunked: extensions are read by their grammar and dropped", "[http][rfc9112-7.1.1]") {
  for (const std::string_view line :
       {"5;a", "5;a=b", "5;a=b;c=d;e", "5;a=\"b c\"", "5;a=\"\"", "5 ; a = b", "5\t;a", "5;a=\"b\\\"\\\\;\"",
        "5;a=\"\xe9\t\"", "5;a ;b", "5;a=b ;c", "5;a=\"b\" ;c", "5;a= \"b\""}) {
    INFO(line);
    CHECK(decode(std::string(line) + "\r\nhello\r\n0\r\n\r\n", {1}).payload == "hello");
  }
  for (const std::string_view line : {"5;"sv,
                                      "5;;"sv,
                                      "5;a="sv,
                                      "5;a=;b"sv,
                                      "5;=b"sv,
                                      "5;a=\"b"sv,
                                      "5;\xff"sv,
                                      "5;a\nb"sv,
                                      "5;a\rb"sv,
                                      "5;a=\"\n\""sv,
                                      "5;a=\"\r\n\""sv,
                                      "5;a=\"b\"c"sv,
                                      "5;a=b=c"sv,
                                      "5;a b"sv,
                                      "5;a\0"sv,
                                      "5;a=\"\0\""sv,
                                      "5;a=\"b\\\x01\""sv,
                                      "5;a "sv,
                                      "5;a=b "sv,
                                      "5; "sv,
                                      "2;\nxx"sv,
                                      "5;a=\"b\"=c"sv}) {
    INFO(line);
    CHECK(decode(std::string(line) + "\r\nhello\r\n0\r\n\r\n").refused);
  }
}

TEST_CASE("h1_chunked: a padded size is an old server's habit", "[http]") {
  for (const std::string_view line : {"5 ", "5\t", "5  \t "}) {
    CHECK(decode(std::string(line) + "\r\nhello\r\n0  \r\n\r\n", {1}, Side::kUpstream).payload == "hello");
    CHECK(decode(std::string(line) + "\r\nhello\r\n0\r\n\r\n").refused);
  }
}

TEST_CASE("h1_chunked: extensions are bounded in a chunk and in a body", "[http]") {
  const auto chunk = [](std::size_t extension) { return "1;" + std::string(extension, 'x') + "\r\na\r\n"; };
  CHECK_FALSE(decode(chunk(4000)).refused);
  CHECK(decode(chunk(5000)).refused);
  CHECK(decode("1;" + std::string(5000, 'x')).refused);
  CHECK(decode("1" + std::string(5000, ' ')).refused);
  std::string many;
  for (int i = 0; i < 8; ++i) many += chunk(1000);
  CHECK_FALSE(decode(many).refused);
  for (int i = 0; i < 12; ++i) many += chunk(1000);
  CHECK(decode(many).refused);
}

TEST_CASE("h1_chunked: trailers that would have had to come first are dropped", "[http][rfc9110-6.5.1]") {
  const Decoded decoded = decode(
      "0\r\nX-T: v\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\nHost: b.test\r\nAuthorization: x\r\nCookie: a\r\n"
      "Set-Cookie: a\r\nConnection: close\r\nTE: x\r\nTrailer: X-T\r\nX-Forwarded-For: 1.2.3.4\r\nX_Forwarded_For: "
      "1.2.3.4\r\n"
      "Content-Encoding: gzip\r\nContent-Type: a/b\r\nCache-Control: no-store\r\nExpect: x\r\nMax-Forwards: 1\r\n"
      "Server-Timing: a;dur=1\r\n\r\n");
  REQUIRE(decoded.done);
  REQUIRE(decoded.trailers.size() == 2);
  CHECK(decoded.trailers[0].first == "X-T");
  CHECK(decoded.trailers[1].first == "Server-Timing");
}

TEST_CASE("h1_chunked: trailers are read as strictly as a head", "[http][rfc9112-7.1.2]") {
  for (const std::string_view trailer :
       {"X-T : v\r\n\r\n"sv, "X-T: \0\r\n\r\n"sv, "X-T: a\nX-U: b\r\n\r\n"sv, "X-T: a\rX-U: b\r\n\r\n"sv,
        " X-T: v\r\n\r\n"sv, "X-T: v\r\n w\r\n\r\n"sv, ": v\r\n\r\n"sv, "X-T\r\n\r\n"sv}) {
    INFO(trailer);
    CHECK(decode("0\r\n" + std::string(trailer)).refused);
    CHECK(decode("0\r\n" + std::string(trailer), {1}).refused);
  }
}

TEST_CASE("h1_chunked: trailers are bounded like a head", "[http]") {
  Limits limits;
  limits.header_bytes = 100;
  limits.headers = 2;
  CHECK_FALSE(decode("0\r\nA: 1\r\nB: 2\r\n\r\n", {SIZE_MAX}, Side::kClient, limits).refused);
  for (const std::string& text :
       {std::string("0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"), "0\r\nA: " + std::string(200, 'a')}) {
    CHECK(decode(text, {1}, Side::kClient, limits).kind == ErrorKind::kHeaderTooLarge);
    CHECK(decode(text, {SIZE_MAX}, Side::kUpstream, limits).kind == ErrorKind::kResponseTooLarge);
  }
}
