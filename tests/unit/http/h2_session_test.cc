#include "http/h2_session.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "support/h2.h"
#include "support/run.h"
#include "support/streams.h"

namespace rpx::http {
namespace {

using test::frame;
using test::H2Frame;
using test::head;
using test::kContinuation;
using test::kData;
using test::kEnd;
using test::kGoaway;
using test::kHeaders;
using test::kPing;
using test::kReset;
using test::kSettings;
using test::kWholeHead;
using test::kWindow;
using test::literal;
using test::number;

/// Answers once the whole body was read, with what it held.
class Echo final : public H2Work {
 public:
  Echo(H2Stream& stream, rt::Loop& loop, rt::Soon& ended, std::vector<std::string>& log)
      : stream_(stream), log_(log), task_(loop) {
    task_.start(serve(), &ended);
  }
  bool done() const noexcept override { return task_.done(); }
  void abandon(Error error) noexcept override {
    log_.push_back(error.detail);
    task_.cancel();
  }
  void rest() noexcept override { task_.cancel(); }

 private:
  rt::Task<Status> serve() {
    if (stream_.fault()) {
      log_.push_back(stream_.fault()->detail);
      co_return Status{};
    }
    log_.push_back(fmt::format("{} {}", stream_.request().method_name, stream_.request().target.path));
    BodySource& body = stream_.body(0);
    std::string read;
    for (;;) {
      const Result<BodyPiece> piece = body.try_read(1000);
      if (!piece) co_return std::unexpected(piece.error());
      read += piece->data;
      if (piece->end) break;
      if (!piece->blocked) continue;
      const Status waited = co_await body.wait(std::chrono::seconds(10));
      if (!waited) co_return waited;
    }
    Headers headers;
    headers.add("X-Big", "Yes");
    BodySink& sink = stream_.reply(200, {}, headers, {.present = true, .length = read.size()});
    static_cast<void>(sink.try_write(read, true, body.trailers()));
    co_await stream_.finish(std::chrono::seconds(10));
    co_return Status{};
  }
  H2Stream& stream_;
  std::vector<std::string>& log_;
  rt::Child<Status> task_;
};

struct H2Served final : H2Handler {
  H2Served() : pair(test::stream_pair(loop)), session(*pair.near, limits, *this), task(loop) {
    task.start(session.run());
    send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0));
  }
  std::unique_ptr<H2Stream> make() override {
    if (spare.empty()) return std::make_unique<H2Stream>(loop);
    std::unique_ptr<H2Stream> stream = std::move(spare.back());
    spare.pop_back();
    return stream;
  }
  void keep(std::unique_ptr<H2Stream> stream) noexcept override { spare.push_back(std::move(stream)); }
  std::unique_ptr<H2Work> begin(H2Stream& stream) override {
    return std::make_unique<Echo>(stream, loop, stream.work_ended(), log);
  }
  void set_idle(bool now) noexcept override { idle = now; }
  bool draining() const noexcept override { return drains; }
  void send(std::string_view bytes) {
    test::send_now(pair.far->fd(), bytes);
    test::settle(loop, 8);
    take();
  }
  void take() {
    held += test::receive_now(pair.far->fd());
    test::take_frames(held, frames);
  }
  std::string data(std::uint32_t stream) const {
    std::string out;
    for (const H2Frame& one : frames)
      if (one.type == kData && one.stream == stream) out += one.payload;
    return out;
  }
  const H2Frame& last(std::uint8_t type) const {
    const auto at = std::ranges::find(frames.rbegin(), frames.rend(), type, &H2Frame::type);
    if (at == frames.rend()) throw std::runtime_error("no such frame");
    return *at;
  }
  /// The last stream ids of what was said of the connection's end.
  std::vector<std::uint32_t> ends() const {
    std::vector<std::uint32_t> out;
    for (const H2Frame& one : frames)
      if (one.type == kGoaway) out.push_back(test::number_in(std::string_view(one.payload).substr(0, 4)));
    return out;
  }
  bool has(std::uint8_t type, std::uint32_t stream = 0) const {
    return std::ranges::any_of(frames, [&](const H2Frame& one) { return one.type == type && one.stream == stream; });
  }

  rt::Loop loop;
  test::StreamPair pair;
  Limits limits;
  std::vector<std::string> log;
  std::vector<H2Frame> frames;
  std::string held;
  bool idle = true;
  bool drains = false;
  std::vector<std::unique_ptr<H2Stream>> spare;
  H2Session session;
  rt::Child<Status> task;
};

TEST_CASE("h2 session: a request in single bytes gets its reply", "[http][rfc9113]") {
  H2Served served;
  const std::string bytes = frame(kHeaders, kWholeHead, 1, head("POST", "/a/../b")) + frame(kData, 0, 1, "one ") +
                            frame(kData, kEnd, 1, "two");
  for (const char c : bytes) served.send({&c, 1});
  CHECK(served.log == std::vector<std::string>{"POST /b"});
  CHECK(served.data(1) == "one two");
  CHECK(served.idle);
  CHECK(served.session.requests() == 1);
}

TEST_CASE("h2 session: streams are answered in any order", "[http][rfc9113-5]") {
  H2Served served;
  served.send(frame(kHeaders, kWholeHead, 1, head("POST", "/slow")) +
              frame(kHeaders, kWholeHead | kEnd, 3, head("GET", "/")));
  CHECK(served.has(kHeaders, 3));
  CHECK_FALSE(served.has(kHeaders, 1));
  CHECK_FALSE(served.idle);
  served.send(frame(kData, kEnd, 1, "late"));
  CHECK(served.data(1) == "late");
  CHECK(served.idle);
}

TEST_CASE("h2 session: a reset ends the work", "[http][rfc9113-5.4.2]") {
  H2Served served;
  served.send(frame(kHeaders, kWholeHead, 1, head("POST", "/")));
  served.send(frame(kReset, 0, 1, number(8, 4)));
  CHECK(served.log == std::vector<std::string>{"POST /", "the client went away"});
  CHECK(served.idle);
}

TEST_CASE("h2 session: streams that end in any order and manner are used again", "[http][rfc9113-5.1]") {
  H2Served served;
  for (const std::uint32_t id : {1U, 3U, 5U, 7U, 9U})
    served.send(frame(kHeaders, kWholeHead, id, head("POST", fmt::format("/{}", id))));
  served.send(frame(kReset, 0, 5, number(8, 4)));
  CHECK(served.spare.size() == 1);
  served.send(frame(kData, kEnd, 9, "nine") + frame(kReset, 0, 1, number(8, 4)) + frame(kData, kEnd, 3, "three"));
  CHECK(served.spare.size() == 4);
  CHECK_FALSE(served.idle);
  served.send(frame(kData, kEnd, 7, "seven"));
  CHECK(served.data(3) == "three");
  CHECK(served.data(7) == "seven");
  CHECK(served.data(9) == "nine");
  CHECK(served.spare.size() == 5);
  CHECK(served.idle);
  // Nothing of the streams before is left in them.
  served.send(frame(kHeaders, kWholeHead | kEnd, 11, head("GET", "/new")));
  served.send(frame(kHeaders, kWholeHead, 13, head("POST", "/newer")) + frame(kData, kEnd, 13, "body"));
  CHECK(served.log.back() == "POST /newer");
  CHECK(served.data(11).empty());
  CHECK(served.data(13) == "body");
  CHECK(served.spare.size() == 5);
}

TEST_CASE("h2 session: a reply waits for the window", "[http][rfc9113-5.2]") {
  H2Served served;
  const std::string body(90'000, 'x');
  served.send(frame(kHeaders, kWholeHead, 1, head("POST", "/")));
  for (std::size_t at = 0; at < body.size(); at += 10'000)
    served.send(frame(kData, at + 10'000 == body.size() ? kEnd : 0, 1, std::string_view(body).substr(at, 10'000)));
  CHECK(served.data(1).size() == 65'535);
  served.send(frame(kWindow, 0, 0, number(100'000, 4)) + frame(kWindow, 0, 1, number(100'000, 4)));
  CHECK(served.data(1) == body);
}

TEST_CASE("h2 session: what HTTP/1 refuses is refused", "[http][rfc9113-8.2]") {
  struct Row {
    std::string block;
    const char* told;
  };
  const auto row = GENERATE(Row{head("GET", "/%zz"), "malformed percent-escape"},
                            Row{head("GET", "/", literal("host", "b.test")), "Host and :authority differ"},
                            Row{head("GET", "/a b"), ""}, Row{head("GET", "/", literal("x", "a\nb")), ""},
                            Row{head("GET", "/", literal("connection", "close")), ""},
                            Row{head("GET", "/", literal("Upper", "a")), ""}, Row{literal(":method", "GET"), ""});
  H2Served served;
  CAPTURE(row.told);
  served.send(frame(kHeaders, kWholeHead | kEnd, 1, row.block));
  // Refused by the stream's head, or by a reset before anybody saw it.
  CHECK(served.has(kReset, 1));
  if (row.told == std::string("Host and :authority differ")) CHECK(served.log == std::vector<std::string>{row.told});
  served.send(frame(kHeaders, kWholeHead | kEnd, 3, head("GET", "/fine")));
  CHECK(served.log.back() == "GET /fine");
}

/// Notes what is asked, and answers nothing.
struct H2Looked final : H2Handler {
  explicit H2Looked(rt::Loop& on) : loop(on), pair(test::stream_pair(on)), session(*pair.near, {}, *this), task(on) {
    task.start(session.run());
    send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0));
  }
  std::unique_ptr<H2Stream> make() override { return std::make_unique<H2Stream>(loop); }
  void keep(std::unique_ptr<H2Stream>) noexcept override {}
  std::unique_ptr<H2Work> begin(H2Stream& stream) override {
    std::string& line = seen.emplace_back(fmt::format("{} {}{}", stream.request().method_name,
                                                      stream.request().target.host, stream.request().target.path));
    for (const Field& field : stream.request().headers)
      if (field.id != FieldId::kHost) line += fmt::format(" {}={}", field.name, field.value);
    return nullptr;
  }
  void set_idle(bool) noexcept override {}
  bool draining() const noexcept override { return false; }
  void send(std::string_view bytes) {
    test::send_now(pair.far->fd(), bytes);
    test::settle(loop);
  }
  rt::Loop& loop;
  test::StreamPair pair;
  std::vector<std::string> seen;
  H2Session session;
  rt::Child<Status> task;
};

TEST_CASE("h2 session: crumbs of a cookie are one field again", "[http][rfc9113-8.2.3]") {
  rt::Loop loop;
  H2Looked looked(loop);
  looked.send(
      frame(kHeaders, kWholeHead | kEnd, 1, head("GET", "/", literal("cookie", "a=1") + literal("cookie", "b=2"))));
  CHECK(looked.seen == std::vector<std::string>{"GET a.test/ cookie=a=1; b=2"});
}

TEST_CASE("h2 session: nothing of one head is in the next", "[http][rfc9113-8.3]") {
  rt::Loop loop;
  H2Looked looked(loop);
  // The second of them is refused half-way.
  looked.send(frame(kHeaders, kWholeHead, 1, head("POST", "/a", literal("cookie", "x=1") + literal("x-a", "1"))) +
              frame(kHeaders, kWholeHead | kEnd, 3, head("PUT", "/b", literal("x-b", "2") + literal("Upper", "3"))) +
              frame(kHeaders, kWholeHead | kEnd, 5, head("GET", "/c", literal("x-c", "4"))));
  CHECK(looked.seen == std::vector<std::string>{"POST a.test/a x-a=1 cookie=x=1", "GET a.test/c x-c=4"});
}

TEST_CASE("h2 session: heads that come in parts on several connections are not mixed up", "[http][rfc9113-6.10]") {
  rt::Loop loop;
  H2Looked first(loop);
  H2Looked second(loop);
  const std::string ours = head("GET", "/first", literal("x-first", "1") + literal("x-more", "2"));
  first.send(frame(kHeaders, kEnd, 1, std::string_view(ours).substr(0, ours.size() / 2)));
  second.send(frame(kHeaders, kEnd, 1, head("GET", "/second", literal("x-second", "3")).substr(0, 9)));
  first.send(frame(kContinuation, kWholeHead, 1, std::string_view(ours).substr(ours.size() / 2)));
  second.send(frame(kContinuation, kWholeHead, 1, head("GET", "/second", literal("x-second", "3")).substr(9)));
  CHECK(first.seen == std::vector<std::string>{"GET a.test/first x-first=1 x-more=2"});
  CHECK(second.seen == std::vector<std::string>{"GET a.test/second x-second=3"});
}

TEST_CASE("h2 session: a drain says first that an end comes and after a round trip where it was",
          "[http][rfc9113-6.8]") {
  H2Served served;
  served.send(frame(kHeaders, kWholeHead, 1, head("POST", "/")));
  served.drains = true;
  served.send(frame(kPing, 0, 0, std::string(8, 'p')));
  REQUIRE(served.ends() == std::vector<std::uint32_t>{0x7fffffff});
  // A request that had been on its way is served.
  served.send(frame(kHeaders, kWholeHead | kEnd, 3, head("GET", "/late")));
  CHECK(served.has(kHeaders, 3));
  const std::string mark = served.last(kPing).payload;
  served.send(frame(kPing, test::kAck, 0, mark));
  REQUIRE(served.ends() == std::vector<std::uint32_t>{0x7fffffff, 3});
  served.send(frame(kHeaders, kWholeHead | kEnd, 5, head("GET", "/too-late")));
  CHECK_FALSE(served.has(kHeaders, 5));
  CHECK_FALSE(served.task.done());
  served.send(frame(kData, kEnd, 1, "x"));
  CHECK(served.data(1) == "x");
  CHECK(served.task.done());
}

TEST_CASE("h2 session: frames on a stream that the client has ended end the connection", "[http][rfc9113-5.1]") {
  struct Row {
    std::string frames;
    std::uint32_t code;
  };
  const std::string get = frame(kHeaders, kWholeHead | kEnd, 1, head("GET", "/"));
  const auto row = GENERATE_COPY(
      Row{get + frame(kData, kEnd, 1, "x"), 5}, Row{get + get, 5},
      Row{frame(kHeaders, kWholeHead, 1, head("POST", "/")) + frame(kReset, 0, 1, number(8, 4)) +
              frame(kData, 0, 1, "x"),
          5},
      Row{frame(kHeaders, kWholeHead | kEnd, 5, head("GET", "/")) +
              frame(kHeaders, kWholeHead | kEnd, 3, head("GET", "/")),
          1},
      Row{frame(kHeaders, kWholeHead, 1, head("POST", "/")) + frame(kData, test::kPadded, 1, "\x09-"), 1});
  const bool at_once = GENERATE(true, false);
  H2Served served;
  if (at_once)
    served.send(row.frames);
  else
    for (const char c : row.frames)
      if (!served.task.done()) served.send({&c, 1});
  REQUIRE(served.has(kGoaway));
  CHECK(test::number_in(std::string_view(served.last(kGoaway).payload).substr(4, 4)) == row.code);
  CHECK(served.task.done());
}

TEST_CASE("h2 session: a stream that we reset may still be spoken of for a while", "[http][rfc9113-5.1]") {
  H2Served served;
  served.send(frame(kHeaders, kWholeHead, 1, head("POST", "/", literal("Upper", "x"))));
  REQUIRE(served.has(kReset, 1));
  served.send(frame(kData, 0, 1, "more") + frame(kData, kEnd, 1, "end") +
              frame(kHeaders, kWholeHead | kEnd, 3, head("GET", "/")));
  CHECK(served.has(kHeaders, 3));
  CHECK_FALSE(served.has(kGoaway));
}

TEST_CASE("h2 session: resets that the client provokes count as its own", "[http][cve-2025-8671]") {
  H2Served served;
  for (std::uint32_t id = 1; id < 400 && !served.task.done(); id += 2)
    served.send(frame(kHeaders, kWholeHead, id, head("POST", "/", literal("Upper", "x"))));
  REQUIRE(served.task.done());
  CHECK(served.session.flood() == H2Flood::kResets);
}

TEST_CASE("h2 session: few bytes that stand for many fields end the connection", "[http][rfc7541-7.3]") {
  H2Served served;
  // A field of 3,000 bytes that is put into the table (index 62), and named again and again.
  std::string block = head("GET", "/");
  block += std::string("\x40\x01x\x7f", 4) + std::string("\xb9\x16", 2) + std::string(3000, 'y');
  block += std::string(8000, '\xbe');
  served.send(frame(kHeaders, kWholeHead | kEnd, 1, block));
  REQUIRE(served.task.done());
  CHECK(served.session.flood() == H2Flood::kFields);
}

TEST_CASE("h2 session: an extended CONNECT reads as a request to upgrade", "[http][rfc8441]") {
  H2Served served;
  CHECK(served.frames.empty() == false);
  const auto connect = [](std::string_view protocol, std::string_view more = {}) {
    return literal(":method", "CONNECT") + literal(":protocol", protocol) + literal(":scheme", "http") +
           literal(":authority", "a.test") + literal(":path", "/chat") + std::string(more);
  };
  served.send(frame(kHeaders, kWholeHead, 1, connect("websocket", literal("sec-websocket-version", "13"))));
  CHECK(served.log == std::vector<std::string>{"GET /chat"});
  served.send(frame(kHeaders, kWholeHead, 3, connect("h2c")));
  CHECK(served.log.back() == "a protocol that is not passed on");
  served.send(frame(kHeaders, kWholeHead, 5, connect("two words")));
  CHECK(served.log.back() == "a CONNECT that HTTP does not allow");
  served.send(frame(kHeaders, kWholeHead, 7, connect("websocket", literal("content-length", "0"))));
  CHECK(served.log.back() == "a CONNECT that HTTP does not allow");
}

TEST_CASE("h2 session: windows begin small and grow for bodies that are read at once", "[http][rfc9113-6.9]") {
  H2Served served;
  served.send(frame(kHeaders, kWholeHead, 1, head("POST", "/")));
  std::uint64_t given = 65'535;
  for (int n = 0; n < 40; ++n) served.send(frame(kData, 0, 1, std::string(16'000, 'x')));
  for (const H2Frame& one : served.frames)
    if (one.type == kWindow && one.stream == 1) given += test::number_in(one.payload);
  CHECK(given > 40 * 16'000 + 65'535);
}

TEST_CASE("h2 session: resets without end are an attack", "[http][cve-2023-44487]") {
  H2Served served;
  for (std::uint32_t n = 0; n < 150 && !served.task.done(); ++n) {
    const std::uint32_t id = 2 * n + 1;
    served.send(frame(kHeaders, kWholeHead, id, head("POST", "/")) + frame(kReset, 0, id, number(8, 4)));
  }
  CHECK(served.has(kGoaway));
  REQUIRE(served.task.done());
  CHECK_FALSE(served.task.result());
}

}  // namespace
}  // namespace rpx::http
