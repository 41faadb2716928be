#include "http/h1_body.h"

#include <catch2/catch.hpp>

#include "support/h1.h"
#include "support/run.h"
#include "support/streams.h"

namespace rpx::http {
namespace {

struct Row {
  const char* what;
  Framing framing;
  std::uint64_t length;
  std::string wire;
  std::string payload;
  std::string excess;
};

TEST_CASE("h1 body: read whole however it is split, and not a byte beyond", "[http][rfc9112-6.3]") {
  const Row row = GENERATE(
      values<Row>({{"nothing", Framing::kNone, 0, "GET /", "", "GET /"},
                   {"empty", Framing::kLength, 0, "GET /", "", "GET /"},
                   {"length", Framing::kLength, 10, "0123456789", "0123456789", ""},
                   {"length and more", Framing::kLength, 3, "abcGET / HTTP/1.1\r\n", "abc", "GET / HTTP/1.1\r\n"},
                   {"chunks", Framing::kChunked, 0, "3\r\nabc\r\n4;x=\"y\"\r\ndefg\r\n0\r\n\r\n", "abcdefg", ""},
                   {"chunks and more", Framing::kChunked, 0, "1\r\na\r\n0\r\nX: y\r\n\r\nGET /", "a", "GET /"}}));
  for (std::size_t cut = 0; cut <= row.wire.size(); ++cut) {
    for (const bool with_head : {false, true}) {
      rt::Loop loop;
      auto pair = test::stream_pair(loop);
      test::BodyEnd end(Side::kClient);
      if (with_head)
        end.input.append(row.wire.substr(0, cut));
      else if (cut)
        test::send_now(pair.far->fd(), row.wire.substr(0, cut));
      end.reader.begin(*pair.near, row.framing, row.length, end.limits, 0);
      std::string got;
      rt::Task<Status> reading = test::collect(end.reader, got);
      test::start(reading);
      if (cut < row.wire.size()) test::send_now(pair.far->fd(), row.wire.substr(cut));
      CAPTURE(row.what, cut, with_head);
      REQUIRE(test::run_until(loop, [&] { return reading.done(); }));
      REQUIRE(reading.take());
      REQUIRE(got == row.payload);
      REQUIRE(end.reader.ended());
      REQUIRE(end.reader.received() == row.payload.size());
      // What was not read yet is still in the socket.
      REQUIRE(end.excess() + test::receive_now(pair.near->fd()) == row.excess);
    }
  }
}

TEST_CASE("h1 body: without a length it ends with the connection", "[http]") {
  rt::Loop loop;
  auto pair = test::stream_pair(loop);
  test::BodyEnd end(Side::kUpstream);
  end.input.append("with the head, ");
  end.reader.begin(*pair.near, Framing::kClose, 0, end.limits, 0);
  std::string got;
  rt::Task<Status> reading = test::collect(end.reader, got);
  test::start(reading);
  test::send_now(pair.far->fd(), "and after it");
  test::settle(loop);
  REQUIRE_FALSE(reading.done());
  pair.far.reset();
  REQUIRE(test::run_until(loop, [&] { return reading.done(); }));
  CHECK(reading.take());
  CHECK(got == "with the head, and after it");
}

TEST_CASE("h1 body: cut short, it is an error of the side that cut it", "[http]") {
  const auto [side, kind] = GENERATE(
      table<Side, ErrorKind>({{Side::kClient, ErrorKind::kClosed}, {Side::kUpstream, ErrorKind::kResponseTruncated}}));
  const auto [framing, wire] = GENERATE(table<Framing, std::string>({{Framing::kLength, "abc"},
                                                                     {Framing::kLength, ""},
                                                                     {Framing::kChunked, "5\r\nabc"},
                                                                     {Framing::kChunked, "3\r\nabc\r\n"},
                                                                     {Framing::kChunked, "3\r\nabc\r\n0\r\n"}}));
  rt::Loop loop;
  auto pair = test::stream_pair(loop);
  test::BodyEnd end(side);
  end.reader.begin(*pair.near, framing, 5, end.limits, 0);
  if (!wire.empty()) test::send_now(pair.far->fd(), wire);
  pair.far.reset();
  std::string got;
  const Status read = test::run(loop, test::collect(end.reader, got));
  CAPTURE(wire);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == kind);
  CHECK(read.error().side == side);
  CHECK_FALSE(end.reader.ended());
}

TEST_CASE("h1 body: more than allowed is refused, exactly as much is not", "[http]") {
  const bool chunked = GENERATE(false, true);
  const std::size_t size = GENERATE(10U, 11U);
  rt::Loop loop;
  auto pair = test::stream_pair(loop);
  test::BodyEnd end(Side::kClient);
  const std::string payload(size, 'p');
  test::send_now(pair.far->fd(), chunked ? test::chunked(payload, 4) : payload);
  end.reader.begin(*pair.near, chunked ? Framing::kChunked : Framing::kLength, size, end.limits, 10);
  std::string got;
  const Status read = test::run(loop, test::collect(end.reader, got));
  CHECK(read.has_value() == (size == 10));
  if (!read) CHECK(read.error().kind == ErrorKind::kBodyTooLarge);
}

TEST_CASE("h1 body: a source that stalls is given up", "[http]") {
  rt::Loop loop;
  auto pair = test::stream_pair(loop);
  const auto [side, kind] = GENERATE(
      table<Side, ErrorKind>({{Side::kClient, ErrorKind::kBodyTimeout}, {Side::kUpstream, ErrorKind::kIdleTimeout}}));
  test::BodyEnd end(side);
  end.reader.begin(*pair.near, Framing::kLength, 5, end.limits, 0);
  CHECK(end.reader.try_read(10)->blocked);
  const Status waited = test::run(loop, end.reader.wait(std::chrono::milliseconds(1)));
  REQUIRE_FALSE(waited);
  CHECK(waited.error().kind == kind);
}

TEST_CASE("h1 body: trailers are handed out at the end only", "[http]") {
  rt::Loop loop;
  auto pair = test::stream_pair(loop);
  test::BodyEnd end(Side::kUpstream);
  end.reader.begin(*pair.near, Framing::kChunked, 0, end.limits, 0);
  test::send_now(pair.far->fd(), "1\r\na\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n\r\n");
  CHECK(end.reader.trailers() == nullptr);
  std::string got;
  REQUIRE(test::run(loop, test::collect(end.reader, got)));
  REQUIRE(end.reader.trailers());
  CHECK(end.reader.trailers()->value("X-Sum") == "7");
  CHECK_FALSE(end.reader.trailers()->has(FieldId::kContentLength));
}

TEST_CASE("h1 body: written in its framing, joined to its head", "[http]") {
  rt::Loop loop;
  auto pair = test::stream_pair(loop);
  H1BodyWriter writer(Side::kClient);
  const auto [framing, expected] =
      GENERATE(table<Framing, std::string>({{Framing::kNone, "HEAD"},
                                            {Framing::kLength, "HEADonetwo"},
                                            {Framing::kClose, "HEADonetwo"},
                                            {Framing::kChunked, "HEAD3\r\none\r\n3\r\ntwo\r\n0\r\nX-Sum: 6\r\n\r\n"}}));
  writer.begin(*pair.near, framing);
  writer.head() = "HEAD";
  Headers trailers;
  trailers.add("X-Sum", "6");
  CHECK(writer.try_write("one", false, nullptr) == true);
  CHECK(writer.try_write({}, false, nullptr) == true);  // nothing to say is not the end
  CHECK(writer.try_write("two", true, &trailers) == true);
  CHECK(test::receive_now(pair.far->fd()) == expected);
  CHECK(writer.sent() == expected.size());
  CHECK_FALSE(writer.pending());
}

TEST_CASE("h1 body: what a slow peer does not take is held, in order", "[http]") {
  rt::Loop loop;
  auto pair = test::stream_pair(loop, 4096);
  const Framing framing = GENERATE(Framing::kLength, Framing::kChunked);
  H1BodyWriter writer(Side::kClient);
  writer.begin(*pair.near, framing);
  std::string payload;
  for (std::size_t size : {10U, 20'000U, 5U, 100'000U, 16'384U}) {
    const std::string piece(size, static_cast<char>('a' + payload.size() % 26));
    payload += piece;
    REQUIRE(writer.try_write(piece, payload.size() > 130'000, nullptr));
  }
  REQUIRE(writer.pending());
  rt::Task<Status> draining = writer.drain(Duration::zero());  // zero: as long as it takes
  test::start(draining);
  std::string wire;
  REQUIRE(test::run_until(loop, [&] {
    wire += test::receive_now(pair.far->fd());
    return draining.done();
  }));
  REQUIRE(draining.take());
  wire += test::receive_now(pair.far->fd());
  CHECK(writer.sent() == wire.size());
  test::BodyEnd end(Side::kUpstream);
  end.input.append(wire);
  end.reader.begin(*pair.near, framing, payload.size(), end.limits, 0);
  std::string got;
  REQUIRE(test::run(loop, test::collect(end.reader, got)));
  CHECK((got == payload));
}

TEST_CASE("h1 body: a peer that takes nothing, or is gone, is an error", "[http]") {
  rt::Loop loop;
  auto pair = test::stream_pair(loop, 4096);
  H1BodyWriter writer(Side::kClient);
  writer.begin(*pair.near, Framing::kLength);
  REQUIRE(writer.try_write(std::string(100'000, 'x'), true, nullptr) == false);
  Status drained = test::run(loop, writer.drain(std::chrono::milliseconds(1)));
  REQUIRE_FALSE(drained);
  CHECK(drained.error().kind == ErrorKind::kWriteTimeout);
  pair.far.reset();
  drained = test::run(loop, writer.drain(std::chrono::seconds(5)));
  REQUIRE_FALSE(drained);
  CHECK(drained.error().kind == ErrorKind::kReset);
}

}  // namespace
}  // namespace rpx::http
