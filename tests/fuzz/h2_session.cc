// HTTP/2 as clients speak it, frame by frame: the input is a list of things to say, most of them well formed, and the
// session has to stay in bounds, answer what it takes, and end when the client does.
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "fuzz.h"
#include "http/h2_session.h"
#include "net/stream.h"
#include "rt/child.h"
#include "rt/loop.h"

namespace rpx::fuzz {
namespace {

using namespace http;

constexpr int kMostSteps = 200;

// The input, from its front.
class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : rest_(text_of(data, size)) {}
  bool over() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto out = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return out;
  }
  std::string_view bytes(std::size_t most) {
    const std::string_view out = rest_.substr(0, most);
    rest_.remove_prefix(out.size());
    return out;
  }

 private:
  std::string_view rest_;
};

std::string number(std::uint32_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xff);
  return out;
}

std::string frame(unsigned type, unsigned flags, std::uint32_t stream, std::string_view payload) {
  std::string out = number(static_cast<std::uint32_t>(payload.size()), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out + number(stream, 4) + std::string(payload);
}

std::string literal(std::string_view name, std::string_view value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + std::string(name) + static_cast<char>(value.size()) +
         std::string(value);
}

// A head that is good but for what the script puts into it.
std::string head_of(Script& script) {
  constexpr std::string_view kMethods[] = {"GET", "POST", "HEAD", "CONNECT", "OPTIONS", "get"};
  constexpr std::string_view kPaths[] = {"/", "/a/../b", "*", "/%2e", "x", "/large"};
  const std::uint8_t which = script.byte();
  std::string out = literal(":method", kMethods[which % std::size(kMethods)]) + literal(":scheme", "http") +
                    literal(":path", kPaths[which / 8 % std::size(kPaths)]);
  if ((which & 64) == 0) out += literal(":authority", "a.test");
  const std::uint8_t more = script.byte();
  if (more & 1) out += literal(":protocol", "websocket");
  if (more & 2) out += literal("cookie", "a=1");
  if (more & 4) out += literal("content-length", "3");
  if (more & 8) out += literal("te", "trailers");
  if (more & 16) out += std::string(script.bytes(script.byte() & 63));
  if (more & 32) out += literal(script.bytes(4), script.bytes(script.byte() & 31));
  return out;
}

// The next thing to say.
std::string say(Script& script) {
  const std::uint8_t op = script.byte();
  const std::uint32_t stream = script.byte() % 16;
  const unsigned end = op >> 7;
  switch (op % 12) {
    case 0:
    case 1: return frame(1, 4 | end, stream, head_of(script));
    case 2: return frame(0, end, stream, std::string(std::size_t{script.byte()} * 64, 'x'));
    case 3: return frame(0, 8 | end, stream, script.bytes(script.byte() & 31));
    case 4: return frame(3, 0, stream, number(script.byte(), 4));
    case 5:
      return frame(4, end, 0,
                   number(script.byte() % 10, 2) + number(std::uint32_t{script.byte()} << (script.byte() & 24), 4));
    case 6: return frame(6, end, 0, "12345678");
    case 7: return frame(8, 0, stream, number(std::uint32_t{script.byte()} << (script.byte() & 31), 4));
    case 8: return frame(1, end, stream, head_of(script).substr(0, script.byte()));
    case 9: return frame(9, script.byte(), stream, script.bytes(script.byte() & 63));
    case 10: return frame(script.byte(), script.byte(), stream, script.bytes(script.byte() & 63));
    default: return std::string(script.bytes(script.byte() & 63));
  }
}

// Reads the request and answers it, with its own body or a large one.
class Answer final : public H2Work {
 public:
  Answer(H2Stream& stream, rt::Loop& loop, rt::Soon& ended) : stream_(stream), task_(loop) {
    task_.start(serve(), &ended);
  }
  bool done() const noexcept override { return task_.done(); }
  void abandon(Error) noexcept override { task_.cancel(); }
  void rest() noexcept override { task_.cancel(); }

 private:
  rt::Task<Status> serve() {
    if (stream_.fault()) co_return Status{};
    RPX_CHECK(!breaks_lines(stream_.request().target.path));
    RPX_CHECK(stream_.request().target.path.starts_with('/') || stream_.request().target.path == "*" ||
              stream_.request().method == Method::kConnect);
    for (const Field& field : stream_.request().headers) RPX_CHECK(!breaks_lines(field.value));
    BodySource& body = stream_.body(100'000);
    Headers headers;
    headers.add("X-Own", "1");
    BodySink& sink = stream_.reply(200, {}, headers, {.present = true});
    if (stream_.request().target.path == "/large") {
      for (int n = 0; n < 8; ++n) {
        const Result<bool> taken = sink.try_write(std::string(std::min<std::size_t>(sink.room(), 40'000), 'x'), n == 7);
        if (!taken) co_return std::unexpected(taken.error());
        if (!*taken) {
          const Status drained = co_await sink.drain(std::chrono::seconds(10));
          if (!drained) co_return drained;
        }
      }
    } else {
      const Status relayed = co_await relay(body, sink, {std::chrono::seconds(10), std::chrono::seconds(10)}, true);
      if (!relayed) co_return relayed;
    }
    co_await stream_.finish(std::chrono::seconds(10));
    co_return Status{};
  }
  H2Stream& stream_;
  rt::Child<Status> task_;
};

struct Server final : H2Handler {
  Server(rt::Loop& on, net::Stream& stream) : loop(on), session(stream, limits(), *this) {}
  static Limits limits() {
    Limits out;
    out.h2_streams = 8;
    return out;
  }
  std::unique_ptr<H2Stream> make() override { return std::make_unique<H2Stream>(loop); }
  void keep(std::unique_ptr<H2Stream>) noexcept override {}
  std::unique_ptr<H2Work> begin(H2Stream& stream) override {
    return std::make_unique<Answer>(stream, loop, stream.work_ended());
  }
  void set_idle(bool) noexcept override {}
  bool draining() const noexcept override { return drains; }
  rt::Loop& loop;
  bool drains = false;
  H2Session session;
};

void settle(rt::Loop& loop) {
  for (int n = 0; n < 3; ++n) loop.run_once(Duration::zero());
}

void drink(int fd) {
  char bytes[65536];
  while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
  }
}

}  // namespace
}  // namespace rpx::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rpx;
  using namespace rpx::fuzz;
  Script script(data, size);
  int ends[2];
  RPX_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  rt::Loop loop;
  net::SocketStream near(loop, net::UniqueFd(ends[0]));
  net::UniqueFd far(ends[1]);
  {
    Server server(loop, near);
    rt::Child<Status> task(loop);
    task.start(server.session.run());
    const std::uint8_t how = script.byte();
    std::string held = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (int step = 0; step < kMostSteps && !script.over() && !task.done(); ++step) {
      held += say(script);
      if ((how & 2) != 0 && step == 20) server.drains = true;
      // Several in one read, and one in several reads.
      if ((how & 1) != 0 && step % 4 != 3) continue;
      const std::size_t half = (how & 4) != 0 ? held.size() / 2 : 0;
      for (const std::string_view part :
           {std::string_view(held).substr(0, half), std::string_view(held).substr(half)}) {
        if (part.empty() || send(far.get(), part.data(), part.size(), MSG_NOSIGNAL) < 0) continue;
        settle(loop);
      }
      held.clear();
      if ((how & 8) == 0) drink(far.get());
    }
    far.reset();
    for (int n = 0; n < 20 && !task.done(); ++n) settle(loop);
    RPX_CHECK(task.done());
  }
  settle(loop);
  return 0;
}
