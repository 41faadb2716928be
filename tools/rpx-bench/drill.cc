#include "drill.h"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

#include "base/result.h"
#include "load/reply_reader.h"
#include "rt/group.h"
#include "rt/loop.h"
#include "upstream/dial.h"

namespace rpx::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kBetweenBytes = std::chrono::milliseconds(500);
constexpr auto kBetweenProbes = std::chrono::milliseconds(200);
constexpr auto kAfterRefusal = std::chrono::milliseconds(100);

// Everything that the connections of a drill share. One thread.
struct Ground {
  rt::Loop loop;
  const Target& target;
  Address address;
  const DrillOptions& options;
  Instant end;
  DrillResult result;
  Error refusal{ErrorKind::kConnectTimeout, Side::kUpstream, "no connection in time"};  // the last one

  bool open() const noexcept { return Clock::now() < end; }
  std::string head(std::string_view method, std::string_view more) const {
    return fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: rpx-bench\r\n{}", method, target.target,
                       target.server.authority, more);
  }
};

// A connection, over TLS where the URL says so.
rt::Task<Result<std::unique_ptr<net::Stream>>> dial(Ground& ground, bool http2, Instant deadline) {
  upstream::Security security{ground.options.tls, ground.target.server.name, nullptr};
  const bool tls = ground.options.tls != nullptr;
  if (http2) security.alpn = upstream::alpn_for("h2", tls);
  auto stream = co_await upstream::dial(ground.loop, ground.address, std::move(security), deadline);
  if (stream && http2) RPX_CO_TRY_VOID(upstream::speaks_h2(**stream, "h2", tls));
  co_return stream;
}

// Waits until `until`, or until the server has ended the connection: true then. What it says is thrown away.
rt::Task<bool> cut_before(net::Stream& stream, Instant until) {
  char scratch[4096];
  for (;;) {
    if (!stream.io().may_read() && co_await stream.io().readable(until) == rt::Wake::kTimeout) co_return false;
    const net::IoResult got = stream.try_read(scratch);
    if (got.state == net::IoState::kEnd || got.state == net::IoState::kError) co_return true;
    if (Clock::now() >= until) co_return false;
  }
}

// Sends `first`, then one more byte of `drop` at a time for as long as the server puts up with it.
rt::Task<bool> drip(Ground& ground, net::Stream& stream, std::string first, std::string drop) {
  if (!co_await net::write_all(stream, first, Side::kUpstream, ground.end)) co_return true;
  while (ground.open()) {
    if (co_await cut_before(stream, std::min(ground.end, Clock::now() + kBetweenBytes))) co_return true;
    if (!ground.open()) break;
    if (!co_await net::write_all(stream, drop, Side::kUpstream, ground.end)) co_return true;
  }
  co_return false;
}

// Asks for a reply and takes it in a trickle.
rt::Task<bool> sip(Ground& ground, net::Stream& stream) {
  const int small = 2048;
  setsockopt(stream.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  if (!co_await net::write_all(stream, ground.head("GET", "\r\n"), Side::kUpstream, ground.end)) co_return true;
  ++ground.result.sent;
  while (ground.open()) {
    co_await ground.loop.sleep_until(std::min(ground.end, Clock::now() + kBetweenBytes));
    char few[16];
    const net::IoResult got = stream.try_read(few);
    if (got.state == net::IoState::kEnd || got.state == net::IoState::kError) co_return true;
  }
  co_return false;
}

// Opens streams and resets them at once (CVE-2023-44487).
rt::Task<bool> reset_streams(Ground& ground, net::Stream& stream) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session* raw = nullptr;
  nghttp2_session_client_new(&raw, callbacks, nullptr);
  nghttp2_session_callbacks_del(callbacks);
  const std::unique_ptr<nghttp2_session, decltype(&nghttp2_session_del)> session(raw, nghttp2_session_del);
  nghttp2_submit_settings(raw, NGHTTP2_FLAG_NONE, nullptr, 0);
  const auto field = [](std::string_view name, std::string_view value) {
    return nghttp2_nv{reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                      NGHTTP2_NV_FLAG_NONE};
  };
  const std::array fields{field(":method", "GET"), field(":scheme", ground.options.tls ? "https" : "http"),
                          field(":authority", ground.target.server.authority), field(":path", ground.target.target)};
  while (ground.open()) {
    std::string out;
    for (int i = 0; i < 10; ++i) {
      const std::int32_t id = nghttp2_submit_request(raw, nullptr, fields.data(), fields.size(), nullptr, nullptr);
      if (id < 0) co_return false;
      ++ground.result.sent;
      const std::uint8_t* bytes = nullptr;
      for (ssize_t count = 0; (count = nghttp2_session_mem_send(raw, &bytes)) > 0;)
        out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
      nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
      for (ssize_t count = 0; (count = nghttp2_session_mem_send(raw, &bytes)) > 0;)
        out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
    }
    if (!co_await net::write_all(stream, out, Side::kUpstream, ground.end)) co_return true;
    if (co_await cut_before(stream, Clock::now())) co_return true;
    co_await ground.loop.yield();
  }
  co_return false;
}

// True when the server has ended it.
rt::Task<bool> misbehave(Ground& ground, net::Stream& stream) {
  switch (ground.options.kind) {
    case DrillKind::kSlowloris: return drip(ground, stream, ground.head("GET", "X-Slow: "), "x");
    case DrillKind::kSlowBody: return drip(ground, stream, ground.head("POST", "Content-Length: 1000000\r\n\r\n"), "x");
    case DrillKind::kSlowRead: return sip(ground, stream);
    case DrillKind::kRapidReset: return reset_streams(ground, stream);
    case DrillKind::kIdle:
    case DrillKind::kReset: break;
  }
  return cut_before(stream, ground.end);
}

rt::Task<void> attack(Ground& ground) {
  while (ground.open()) {
    auto stream = co_await dial(ground, ground.options.kind == DrillKind::kRapidReset, ground.end);
    if (!stream) {
      ++ground.result.refused;
      ground.refusal = std::move(stream.error());
      co_await ground.loop.sleep_until(Clock::now() + kAfterRefusal);
      continue;
    }
    ++ground.result.opened;
    if (ground.options.kind == DrillKind::kReset) {
      const Status sent = co_await net::write_all(**stream, ground.head("GET", "\r\n"), Side::kUpstream, ground.end);
      ground.result.sent += sent ? 1 : 0;
      (*stream)->reset_on_close();
      stream->reset();
      co_await ground.loop.yield();
      continue;
    }
    ++ground.result.held;
    if (co_await misbehave(ground, **stream)) {
      --ground.result.held;
      ++ground.result.cut;
      stream->reset();
      // The server has said no: as real ones do, the client comes back, but not at once.
      co_await ground.loop.sleep_until(Clock::now() + kAfterRefusal);
    }
  }
}

rt::Task<bool> ask_once(Ground& ground, const load::Checks& checks, Instant deadline) {
  auto stream = co_await dial(ground, false, deadline);
  if (!stream) co_return false;
  const Status sent =
      co_await net::write_all(**stream, ground.head("GET", "Connection: close\r\n\r\n"), Side::kUpstream, deadline);
  if (!sent) co_return false;
  load::ReplyReader reader(checks);
  net::InputBuffer input;
  reader.begin(http::Method::kGet);
  for (;;) {
    if (!(*stream)->io().may_read() && co_await (*stream)->io().readable(deadline) == rt::Wake::kTimeout)
      co_return false;
    if (input.empty()) input.release();
    input.reserve(4096);
    const net::IoResult got = (*stream)->try_read(input.room());
    load::ReplyReader::Step step = load::ReplyReader::Step::kMore;
    if (got.state == net::IoState::kError) co_return false;
    if (got.state == net::IoState::kEnd) step = reader.end();
    if (got.state == net::IoState::kDone) {
      input.filled(got.bytes);
      step = reader.step(input);
    }
    if (step == load::ReplyReader::Step::kBad) co_return false;
    if (step == load::ReplyReader::Step::kDone) co_return reader.status() < 500;
  }
}

// The well-behaved client, for whom all this must make no difference.
rt::Task<void> ask_all_along(Ground& ground) {
  const load::Checks checks;
  while (ground.open()) {
    const Instant begun = Clock::now();
    ++ground.result.asked;
    const bool served = co_await ask_once(ground, checks, begun + ground.options.timeout);
    if (served) {
      ++ground.result.served;
      ground.result.slowest = std::max<Duration>(ground.result.slowest, Clock::now() - begun);
    }
    co_await ground.loop.sleep_until(std::min(ground.end, Clock::now() + kBetweenProbes));
  }
}

}  // namespace

Result<DrillResult> run_drill(const Target& target, const std::vector<Address>& addresses,
                              const DrillOptions& options) {
  Ground ground{{}, target, addresses.front(), options, Clock::now() + options.duration, {}, {}};
  rt::TaskGroup attackers(ground.loop);
  rt::TaskGroup probes(ground.loop);
  for (int i = 0; i < options.connections; ++i) attackers.spawn(attack(ground));
  probes.spawn(ask_all_along(ground));
  while (probes.size() != 0) ground.loop.run_once(std::chrono::milliseconds(100));
  attackers.cancel_all();
  if (ground.result.opened == 0)
    return upstream_error(ground.refusal.kind,
                          fmt::format("cannot reach {}: {}", target.server_url, ground.refusal.detail));
  return ground.result;
}

}  // namespace rpx::bench
