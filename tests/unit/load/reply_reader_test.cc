#include "load/reply_reader.h"

#include <catch2/catch.hpp>

using rpx::http::Method;
using rpx::load::Checks;
using rpx::load::ReplyReader;
using Step = ReplyReader::Step;

namespace {

// What a reader makes of `bytes` that come in pieces of `size`; "" while it waits for more.
std::string fed(std::string_view bytes, std::size_t size, bool end = false, Method method = Method::kGet) {
  Checks checks;
  REQUIRE(checks.add("length>=0"));
  ReplyReader reader(checks);
  rpx::net::InputBuffer input;
  std::string out;
  reader.begin(method);
  for (std::size_t at = 0; at < bytes.size() || !input.empty();) {
    const std::string_view piece = bytes.substr(std::min(at, bytes.size()), size);
    input.append(piece);
    at += piece.size();
    const Step step = reader.step(input);
    if (step == Step::kBad) return out + "bad: " + reader.problem();
    if (step == Step::kMore && at >= bytes.size()) break;
    if (step != Step::kDone) continue;
    out += std::to_string(reader.status()) + (reader.keep_alive() ? "+" : "-");
    reader.begin(method);
  }
  if (end) out += reader.end() == Step::kDone ? std::to_string(reader.status()) + "." : "bad: " + reader.problem();
  return out;
}

}  // namespace

TEST_CASE("replies of every framing are told apart, split at every byte", "[load]") {
  const std::string two =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
      "HTTP/1.1 204 No Content\r\n\r\n"
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-T: 1\r\n\r\n"
      "HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64}, two.size()}) {
    CAPTURE(size);
    CHECK(fed(two, size) == "200+204+200+503-");
  }
}

TEST_CASE("a reply without a length ends with the connection", "[load]") {
  CHECK(fed("HTTP/1.0 200 OK\r\n\r\nto the end", 3, true) == "200.");
  CHECK(fed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", 99, true) ==
        "bad: the server closed in the middle of a reply");
  CHECK(fed("", 1, true) == "bad: the server closed without a reply");
}

TEST_CASE("a reply to HEAD has no body", "[load]") {
  CHECK(fed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 99, false, Method::kHead) ==
        "200+200+");
}

TEST_CASE("what is no HTTP is bad", "[load]") {
  CHECK(fed("SSH-2.0-OpenSSH\r\n\r\n", 99).starts_with("bad: "));
  CHECK(fed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 99).starts_with("bad: "));
}

TEST_CASE("body bytes may be given past the buffer, and count for the checks", "[load]") {
  Checks checks;
  REQUIRE(checks.add("length=10"));
  ReplyReader reader(checks);
  rpx::net::InputBuffer input;
  reader.begin(Method::kGet);
  input.append("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
  CHECK(reader.plain_left() == 0);
  REQUIRE(reader.step(input) == Step::kMore);
  REQUIRE(reader.plain_left() == 7);
  CHECK(reader.plain("cdef") == Step::kMore);
  CHECK(reader.plain("ghi") == Step::kDone);
  REQUIRE(reader.verdict().failure);
  CHECK(reader.verdict().detail == "9 bytes");
}
