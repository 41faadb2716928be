#include "http/h2_session.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "support/run.h"
#include "support/streams.h"

namespace rpx::http {
namespace {

enum Type : std::uint8_t { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoaway = 7, kWindow = 8 };
constexpr std::uint8_t kEnd = 1;
constexpr std::uint8_t kWholeHead = 4;

struct H2Frame {
  std::uint8_t type;
  std::uint8_t flags;
  std::uint32_t stream;
  std::string payload;
};

std::string number(std::uint32_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xff);
  return out;
}
std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = {}) {
  std::string out = number(static_cast<std::uint32_t>(payload.size()), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out + number(stream, 4) + std::string(payload);
}
/// A field as HPACK has it without index or compression.
std::string literal(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  out.append(1, static_cast<char>(name.size())).append(name);
  return out.append(1, static_cast<char>(value.size())).append(value);
}
std::string head(std::string_view method, std::string_view path, std::string_view more = {}) {
  return literal(":method", method) + literal(":scheme", "http") + literal(":authority", "a.test") +
         literal(":path", path) + std::string(more);
}

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
  std::unique_ptr<H2Work> begin(H2Stream& stream) override {
    return std::make_unique<Echo>(stream, loop, session.ended(), log);
  }
  void set_idle(bool now) noexcept override { idle = now; }
  bool draining() const noexcept override { return drains; }
  void send(std::string_view bytes) {
    test::send_now(pair.far->fd(), bytes);
    test::settle(loop);
    take();
  }
  void take() {
    held += test::receive_now(pair.far->fd());
    while (held.size() >= 9) {
      const auto byte = [&](std::size_t at) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(held[at]));
      };
      const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
      if (held.size() < 9 + size) return;
      frames.push_back({static_cast<std::uint8_t>(byte(3)), static_cast<std::uint8_t>(byte(4)),
                        byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8), held.substr(9, size)});
      held.erase(0, 9 + size);
    }
  }
  std::string data(std::uint32_t stream) const {
    std::string out;
    for (const H2Frame& one : frames)
      if (one.type == kData && one.stream == stream) out += one.payload;
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

TEST_CASE("h2 session: crumbs of a cookie are one field again", "[http][rfc9113-8.2.3]") {
  struct Look final : H2Handler {
    std::unique_ptr<H2Work> begin(H2Stream& stream) override {
      cookie = stream.request().headers.value(FieldId::kCookie);
      host = stream.request().target.host;
      return nullptr;
    }
    void set_idle(bool) noexcept override {}
    bool draining() const noexcept override { return false; }
    std::string cookie, host;
  };
  rt::Loop loop;
  test::StreamPair pair = test::stream_pair(loop);
  Look look;
  H2Session session(*pair.near, Limits{}, look);
  rt::Child<Status> task(loop);
  task.start(session.run());
  test::send_now(pair.far->fd(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0) +
                                     frame(kHeaders, kWholeHead | kEnd, 1,
                                           head("GET", "/", literal("cookie", "a=1") + literal("cookie", "b=2"))));
  test::settle(loop);
  CHECK(look.cookie == "a=1; b=2");
  CHECK(look.host == "a.test");
}

TEST_CASE("h2 session: a drain says goodbye and ends when the streams have", "[http][rfc9113-6.8]") {
  H2Served served;
  served.send(frame(kHeaders, kWholeHead, 1, head("POST", "/")));
  served.drains = true;
  served.send(frame(kPing, 0, 0, std::string(8, 'p')));
  CHECK(served.has(kGoaway));
  CHECK_FALSE(served.task.done());
  served.send(frame(kData, kEnd, 1, "x"));
  CHECK(served.data(1) == "x");
  CHECK(served.task.done());
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
