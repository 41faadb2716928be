#include "origin_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "http/h1_chunked.h"
#include "http/h1_parse.h"
#include "net/buffer.h"

namespace rpx::bench {
namespace {

// Replies that are kept made; who asks for more different targets pays for making them again.
constexpr std::size_t kMostReplies = 1024;
constexpr std::size_t kMostKeptBytes = 1024 * 1024;
// Accepted before others have their turn.
constexpr std::size_t kAcceptBatch = 16;
// How late a timer may be, that of a virtual machine whose CPU sleeps too: the rest of a delay that is to be exact.
constexpr Duration kTimerSlack = std::chrono::milliseconds(1);

http::Limits lenient_limits() {
  http::Limits out;
  out.header_bytes = 256 * 1024;
  out.uri_bytes = 64 * 1024;
  out.headers = 1000;
  return out;
}

}  // namespace

// One connection being served.
struct OriginThread::Visit {
  Visit(rt::Loop& loop, net::UniqueFd fd) : stream(loop, std::move(fd)) {}
  net::SocketStream stream;
  net::InputBuffer input;
  Arena arena;
  http::RequestHead head;
  http::Limits limits = lenient_limits();
  std::string out;

  // More bytes of the client; false when there are none.
  rt::Task<bool> read() {
    for (;;) {
      if (!stream.io().may_read()) co_await stream.io().readable(Instant::max());
      if (input.empty()) input.release();
      input.reserve(input.empty() ? net::InputBuffer::kBlock : 4096);
      const net::IoResult got = stream.try_read(input.room());
      if (got.state == net::IoState::kWouldBlock) continue;
      if (got.state != net::IoState::kDone) co_return false;
      input.filled(got.bytes);
      co_return true;
    }
  }

  rt::Task<bool> flush() {
    if (out.empty()) co_return true;
    const Status sent = co_await net::write_all(stream, out, Side::kClient, Instant::max());
    out.clear();
    co_return sent.has_value();
  }
};

OriginThread::OriginThread(int listener, std::uint64_t seed, bool awake)
    : listener_(listener), awake_(awake), random_(seed), visits_(loop_) {}

void OriginThread::run() {
  rt::TaskGroup own(loop_);
  own.spawn(accept_all());
  loop_.run();
  visits_.cancel_all();
}

rt::Task<void> OriginThread::accept_all() {
  rt::Pollable io(loop_, listener_);
  for (std::size_t accepted = 0;;) {
    co_await io.readable(Instant::max());
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      visits_.spawn(serve(net::UniqueFd(fd)));
      // Those who are being served get their turn, and so does the end of it all.
      if (++accepted % kAcceptBatch == 0) co_await loop_.yield();
    } else if (errno == EAGAIN) {
      io.cleared_read();
    } else if (errno == EMFILE || errno == ENFILE) {
      co_await loop_.sleep_until(loop_.now() + std::chrono::milliseconds(50));
    }
  }
}

const load::Reply& OriginThread::reply_to(std::string_view target) {
  if (last_ != nullptr && target == last_target_) return *last_;
  last_target_ = target;
  const auto found = replies_.find(last_target_);
  if (found != replies_.end()) return *(last_ = &found->second);
  load::Reply made = load::plan_reply(target);
  if (replies_.size() >= kMostReplies || made.bytes.size() > kMostKeptBytes) replies_.clear();
  return *(last_ = &replies_.emplace(last_target_, std::move(made)).first->second);
}

rt::Task<bool> OriginThread::skip_body(Visit& visit) {
  if (visit.head.expects_continue) {
    visit.out += "HTTP/1.1 100 Continue\r\n\r\n";
    if (!co_await visit.flush()) co_return false;
  }
  std::uint64_t left = visit.head.content_length;
  http::ChunkedDecoder chunks(Side::kClient);
  const bool chunked = visit.head.framing == http::Framing::kChunked;
  for (;;) {
    if (chunked && !visit.input.empty()) {
      const auto step = chunks.decode(visit.input.bytes(), visit.limits);
      if (!step) co_return false;
      visit.input.consume(step->consumed);
      if (step->done) co_return true;
    } else if (!chunked) {
      const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(left, visit.input.size()));
      visit.input.consume(count);
      left -= count;
      if (left == 0) co_return true;
    }
    if (!co_await visit.read()) co_return false;
  }
}

rt::Task<void> OriginThread::wait_until(Instant due) {
  if (!awake_) {
    co_await alarm_.sleep_until(due);
    co_return;
  }
  co_await alarm_.sleep_until(due - kTimerSlack);
  // The others have their turn meanwhile; the loop does not sleep as long as somebody yields.
  while (std::chrono::steady_clock::now() < due) co_await loop_.yield();
}

// A reply that waits or goes wrong. False when the connection is over.
rt::Task<bool> OriginThread::answer(Visit& visit, load::Reply reply, bool is_head) {
  const Instant asked = loop_.now();
  if (!co_await visit.flush()) co_return false;
  if (reply.delay > Duration::zero()) co_await wait_until(asked + reply.delay);
  const bool wrong = reply.mishap != load::Mishap::kNone && random_.unit() < reply.mishap_share;
  if (wrong && reply.mishap == load::Mishap::kHang) {
    while (co_await visit.read()) visit.input.release();
    co_return false;
  }
  if (wrong && reply.mishap == load::Mishap::kReset) visit.stream.reset_on_close();
  if (wrong && (reply.mishap == load::Mishap::kReset || reply.mishap == load::Mishap::kClose)) co_return false;
  visit.out += is_head ? reply.head : wrong || reply.sound.empty() ? reply.bytes : reply.sound;
  if (!co_await visit.flush()) co_return false;
  if (reply.delay > Duration::zero())
    delays_.record(static_cast<std::uint64_t>((std::chrono::steady_clock::now() - asked).count()));
  co_return !wrong;
}

rt::Task<void> OriginThread::serve(net::UniqueFd fd) {
  Visit visit(loop_, std::move(fd));
  for (;;) {
    while (!visit.input.empty()) {
      visit.arena.clear();
      const auto used = http::parse_request_head(visit.input.view(), visit.limits, visit.arena, visit.head);
      if (!used) {
        visit.out += "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        co_await visit.flush();
        co_return;
      }
      if (*used == 0) break;
      const load::Reply& reply = reply_to(visit.head.raw_target);
      const bool is_head = visit.head.method == http::Method::kHead;
      const bool keep = visit.head.keep_alive && !reply.close;
      const bool special = reply.delay > Duration::zero() || reply.mishap != load::Mishap::kNone;
      const bool has_body = visit.head.framing != http::Framing::kNone;
      // Nothing of the head is looked at any more, but for how its body ends.
      visit.input.consume(*used);
      if (!special && !has_body) {
        visit.out += is_head ? reply.head : reply.bytes;
      } else {
        const load::Reply kept = reply;
        if (has_body && !co_await skip_body(visit)) co_return;
        if (!co_await answer(visit, kept, is_head)) co_return;
      }
      if (!keep) {
        co_await visit.flush();
        co_return;
      }
    }
    if (!visit.out.empty() && !co_await visit.flush()) co_return;
    if (!co_await visit.read()) co_return;
  }
}

}  // namespace rpx::bench
