#include <catch2/catch.hpp>

#include <random>

#include "http/body.h"
#include "support/h1.h"
#include "support/run.h"
#include "support/streams.h"

namespace rpx::http {
namespace {

constexpr RelayTimeouts kPatient{std::chrono::seconds(5), std::chrono::seconds(5)};

// from.far -> from.near == relay == to.near -> to.far
struct Relay {
  Relay(Framing in, Framing out, std::uint64_t length, int buffer)
      : from(test::stream_pair(loop, buffer)), to(test::stream_pair(loop, buffer)) {
    source.reader.begin(*from.near, in, length, source.limits, 0);
    sink.begin(*to.near, out);
  }
  rt::Loop loop;
  test::StreamPair from;
  test::StreamPair to;
  test::BodyEnd source{Side::kUpstream};
  H1BodyWriter sink{Side::kClient};
};

std::string random_bytes(std::mt19937& random, std::size_t size) {
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

TEST_CASE("relay: the same bytes come out, whatever sizes, framings and buffers", "[http]") {
  const Framing in = GENERATE(Framing::kLength, Framing::kChunked, Framing::kClose);
  const Framing out = GENERATE(Framing::kLength, Framing::kChunked, Framing::kClose);
  std::mt19937 random(static_cast<unsigned>(in) * 8 + static_cast<unsigned>(out));
  for (int round = 0; round < 6; ++round) {
    const std::size_t size = random() % 3 == 0 ? random() % 40 : random() % 300'000;
    const std::size_t piece = 1 + random() % (size / 4 + 1);
    const std::size_t sip = 1 + random() % (size / 4 + 1);
    const int buffer = random() % 2 ? 0 : 4096;
    CAPTURE(round, size, piece, sip, buffer);
    const std::string payload = random_bytes(random, size);
    Relay relayed(in, out, size, buffer);
    const std::string wire = in == Framing::kChunked ? test::chunked(payload, 1 + random() % (size + 1)) : payload;
    relayed.source.input.append(wire.substr(0, random() % 100));
    const std::size_t with_head = relayed.source.input.size();
    rt::Task<Status> relaying = relay(relayed.source.reader, relayed.sink, kPatient, true);
    auto sends = test::feed(*relayed.from.far, wire.substr(with_head), piece, in == Framing::kClose);
    std::string got;
    auto reads = test::drink(*relayed.to.far, got, sip);
    test::start(reads);
    test::start(relaying);
    test::start(sends);
    REQUIRE(test::run_until(relayed.loop, [&] { return relaying.done(); }));
    REQUIRE(relaying.take());
    relayed.to.near->shutdown_write();
    REQUIRE(test::run_until(relayed.loop, [&] { return reads.done(); }));
    if (out == Framing::kChunked) {
      test::BodyEnd end(Side::kUpstream);
      end.input.append(got);
      end.reader.begin(*relayed.to.far, out, 0, end.limits, 0);
      std::string decoded;
      REQUIRE(test::run(relayed.loop, test::collect(end.reader, decoded)));
      REQUIRE((decoded == payload));
    } else {
      REQUIRE((got == payload));
    }
  }
}

TEST_CASE("relay: what is there is passed on before more is waited for", "[http]") {
  Relay relayed(Framing::kChunked, Framing::kChunked, 0, 0);
  relayed.sink.head() = "HEAD ";
  rt::Task<Status> relaying = relay(relayed.source.reader, relayed.sink, kPatient, true);
  test::start(relaying);
  CHECK(test::receive_now(relayed.to.far->fd()) == "HEAD ");
  for (const std::string event : {"data: 1\n\n", "data: 2\n\n"}) {
    test::send_now(relayed.from.far->fd(), fmt::format("{:x}\r\n{}\r\n", event.size(), event));
    test::settle(relayed.loop);
    CHECK(test::receive_now(relayed.to.far->fd()).find(event) != std::string::npos);
  }
  REQUIRE_FALSE(relaying.done());
}

TEST_CASE("relay: trailers go on where they may", "[http]") {
  const bool allowed = GENERATE(true, false);
  Relay relayed(Framing::kChunked, Framing::kChunked, 0, 0);
  test::send_now(relayed.from.far->fd(), test::chunked("abc", 2, "X-Sum: 1\r\n"));
  REQUIRE(test::run(relayed.loop, relay(relayed.source.reader, relayed.sink, kPatient, allowed)));
  const std::string got = test::receive_now(relayed.to.far->fd());
  CHECK((got.find("X-Sum: 1\r\n") != std::string::npos) == allowed);
  CHECK(got.ends_with("\r\n\r\n"));
}

TEST_CASE("relay: a source that breaks off does not look complete", "[http]") {
  Relay relayed(Framing::kChunked, Framing::kChunked, 0, 0);
  test::send_now(relayed.from.far->fd(), "3\r\nabc\r\n");
  relayed.from.far.reset();
  const Status done = test::run(relayed.loop, relay(relayed.source.reader, relayed.sink, kPatient, true));
  REQUIRE_FALSE(done);
  CHECK(done.error().kind == ErrorKind::kResponseTruncated);
  CHECK(test::receive_now(relayed.to.far->fd()) == "3\r\nabc\r\n");
}

TEST_CASE("relay: a sink that takes nothing ends it", "[http]") {
  Relay relayed(Framing::kClose, Framing::kClose, 0, 4096);
  auto sends = test::feed(*relayed.from.far, std::string(500'000, 'x'), 50'000, false);
  test::start(sends);
  const RelayTimeouts hasty{std::chrono::seconds(5), std::chrono::milliseconds(2)};
  const Status done = test::run(relayed.loop, relay(relayed.source.reader, relayed.sink, hasty, true));
  REQUIRE_FALSE(done);
  CHECK(done.error().kind == ErrorKind::kWriteTimeout);
  CHECK(done.error().side == Side::kClient);
}

}  // namespace
}  // namespace rpx::http
