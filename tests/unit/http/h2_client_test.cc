#include "http/h2_client.h"

#include <catch2/catch.hpp>

#include "base/result.h"
#include "http/h2_call.h"
#include "support/h2.h"
#include "support/run.h"
#include "support/streams.h"

namespace rpx::http {
namespace {

using test::frame;
using test::literal;
using test::number;

constexpr std::uint8_t kWhole = test::kWholeHead | test::kEnd;

rt::Task<Status> read_head(H2Call& call, Instant deadline) {
  for (;;) {
    RPX_CO_TRY(const bool complete, call.try_read_head(Method::kGet));
    if (complete) co_return Status{};
    RPX_CO_TRY_VOID(co_await call.wait_for_head(deadline));
  }
}

/// A connection to a server that says what the test wants.
struct Asked {
  Asked() : pair(test::stream_pair(loop)), client(std::make_shared<H2Client>(std::move(pair.near))) {}
  void say(std::string_view bytes) {
    test::send_now(pair.far->fd(), bytes);
    take();
  }
  void take() {
    test::settle(loop);
    held += test::receive_now(pair.far->fd());
    if (held.starts_with(test::kH2Preface)) held.erase(0, test::kH2Preface.size());
    test::take_frames(held, frames);
  }
  const test::H2Frame* find(std::uint8_t type, std::uint32_t stream) const {
    for (const test::H2Frame& one : frames)
      if (one.type == type && one.stream == stream) return &one;
    return nullptr;
  }
  /// A call on a slot of its own, begun.
  struct One {
    explicit One(Asked& asked, Framing framing = Framing::kNone, std::string_view protocol = {})
        : slot(asked.client), call(asked.loop), loop(asked.loop) {
      fields.add("Host", "a.test");
      sink = &call.begin(slot, asked.limits, {"GET", "/x", "?y"}, "http", fields, framing, protocol);
      asked.take();
    }
    Status head() { return test::run(loop, read_head(call, loop.now() + std::chrono::seconds(1))); }
    H2Slot slot;
    H2Call call;
    rt::Loop& loop;
    Headers fields;
    BodySink* sink = nullptr;
  };

  rt::Loop loop;
  test::StreamPair pair;
  Limits limits;
  std::vector<test::H2Frame> frames;
  std::string held;
  std::shared_ptr<H2Client> client;
};

std::string settings(std::string_view payload = {}) { return frame(test::kSettings, 0, 0, payload); }
std::string reply(std::uint32_t stream, std::string_view status = "200") {
  return frame(test::kHeaders, kWhole, stream, literal(":status", status));
}

TEST_CASE("h2 client: the first request does not wait for the server's settings, others do", "[http][rfc9113-3.4]") {
  Asked asked;
  CHECK(asked.client->young());
  Asked::One first(asked);
  CHECK(asked.find(test::kHeaders, 1));
  CHECK_FALSE(asked.client->usable());
  asked.say(settings(test::setting(3, 2)));
  CHECK(asked.client->usable());
  Asked::One second(asked);
  CHECK(asked.find(test::kHeaders, 3));
  // No more than the server takes.
  CHECK_FALSE(asked.client->usable());
  asked.say(reply(1) + reply(3, "404"));
  REQUIRE(first.head());
  CHECK(first.call.head().status == 200);
  REQUIRE(second.head());
  CHECK(second.call.head().status == 404);
}

TEST_CASE("h2 client: settings that do not come are taken to be the usual", "[http][rfc9113-3.4]") {
  Asked asked;
  test::run(asked.loop, [](H2Client& client, Instant until) -> rt::Task<bool> {
    co_await client.settle(until);
    co_return true;
  }(*asked.client, asked.loop.now() + std::chrono::milliseconds(20)));
  CHECK_FALSE(asked.client->young());
  Asked::One first(asked);
  CHECK(asked.client->usable());
}

TEST_CASE("h2 client: a body and trailers both ways", "[http][rfc9113-8.1]") {
  Asked asked;
  asked.say(settings());
  Asked::One one(asked, Framing::kChunked);
  Headers trailers;
  trailers.add("X-Sum", "1");
  REQUIRE(one.sink->try_write("asked", true, &trailers));
  asked.take();
  REQUIRE(asked.find(test::kData, 1));
  CHECK(asked.find(test::kData, 1)->payload == "asked");
  CHECK((asked.frames.back().flags & test::kEnd) != 0);
  asked.say(frame(test::kHeaders, test::kWholeHead, 1, literal(":status", "200")) + frame(test::kData, 0, 1, "told") +
            frame(test::kHeaders, kWhole, 1, literal("grpc-status", "0")));
  REQUIRE(one.head());
  const Result<BodyPiece> piece = one.call.try_read(100);
  REQUIRE(piece);
  CHECK(piece->data == "told");
  REQUIRE(one.call.trailers());
  CHECK(one.call.trailers()->value("grpc-status") == "0");
  CHECK(one.call.finished(true));
}

TEST_CASE("h2 client: what a goaway leaves out was not touched", "[http][rfc9113-6.8]") {
  Asked asked;
  asked.say(settings());
  Asked::One first(asked);
  Asked::One second(asked);
  asked.say(frame(test::kGoaway, 0, 0, number(1, 4) + number(0, 4)));
  CHECK(asked.client->retired());
  CHECK_FALSE(second.head());
  CHECK(second.call.untouched());
  asked.say(reply(1));
  CHECK(first.head());
}

TEST_CASE("h2 client: a connection that ends takes its calls with it", "[http]") {
  Asked asked;
  asked.say(settings());
  Asked::One one(asked);
  asked.pair.far.reset();
  const Status told = one.head();
  REQUIRE_FALSE(told);
  CHECK(told.error().side == Side::kUpstream);
  CHECK(one.call.lost_with_connection());
  CHECK(asked.client->over());
}

TEST_CASE("h2 client: a server of HTTP/1 is told apart", "[http]") {
  Asked asked;
  Asked::One one(asked);
  asked.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  const Status told = one.head();
  REQUIRE_FALSE(told);
  CHECK(told.error().kind == ErrorKind::kBadResponse);
}

TEST_CASE("h2 client: a call that is given up is cancelled and the connection goes on", "[http][rfc9113-5.4.2]") {
  Asked asked;
  asked.say(settings());
  {
    const Asked::One one(asked);
  }
  asked.take();
  REQUIRE(asked.find(test::kReset, 1));
  CHECK(test::number_in(asked.find(test::kReset, 1)->payload) == 8);
  CHECK(asked.client->slots() == 0);
  Asked::One next(asked);
  asked.say(reply(3));
  CHECK(next.head());
}

TEST_CASE("h2 client: an extended CONNECT where the server takes it", "[http][rfc8441]") {
  Asked asked;
  asked.say(settings());
  CHECK_FALSE(asked.client->connects());
  asked.say(settings(test::setting(8, 1)));
  CHECK(asked.client->connects());
  Asked::One one(asked, Framing::kNone, "websocket");
  REQUIRE(asked.find(test::kHeaders, 1));
  CHECK((asked.find(test::kHeaders, 1)->flags & test::kEnd) == 0);
  asked.say(frame(test::kHeaders, test::kWholeHead, 1, literal(":status", "200")));
  REQUIRE(one.head());
  CHECK(one.call.head().status == 101);
  REQUIRE(one.sink->try_write("up", false));
  asked.say(frame(test::kData, 0, 1, "down"));
  CHECK(asked.find(test::kData, 1)->payload == "up");
  const Result<BodyPiece> piece = one.call.try_read(100);
  REQUIRE(piece);
  CHECK(piece->data == "down");
}

TEST_CASE("h2 client: what a slow reader leaves is bounded by a window that starts small", "[http][rfc9113-6.9]") {
  Asked asked;
  asked.say(settings());
  Asked::One one(asked);
  asked.say(frame(test::kHeaders, test::kWholeHead, 1, literal(":status", "200")));
  REQUIRE(one.head());
  for (int n = 0; n < 4; ++n) asked.say(frame(test::kData, 0, 1, std::string(16'000, 'x')));
  CHECK(one.call.unread() == 64'000);
  // Nobody reads: the stream gets no more room, the connection does.
  CHECK_FALSE(asked.find(test::kWindow, 1));
  asked.say(frame(test::kData, 0, 1, std::string(2000, 'x')));
  CHECK(asked.find(test::kReset, 1));
}

}  // namespace
}  // namespace rpx::http
