#include "proxy/tunnel.h"

#include <algorithm>
#include <string>

#include "base/result.h"
#include "net/buffer.h"
#include "net/listener.h"
#include "proxy/pipe.h"
#include "rt/child.h"
#include "rt/loop.h"

namespace rpx::proxy {
namespace {

// After this much other connections get their turn.
constexpr std::size_t kTunnelTurn = 2 * 1024 * 1024;

struct Direction {
  net::Stream& from;
  net::Stream& to;
  Side from_side;
  Side to_side;
  std::uint64_t& moved;
};

// While the sender is ahead of us the kernel moves the bytes. Ends, with an empty pipe, once it is caught up with, and
// at the end of the stream, which `end` tells.
RPX_OWN_FRAME rt::Task<Status> move_bulk(Direction way, Duration idle, Pulse& pulse, bool& end) {
  BorrowedPipe pipe;
  if (!pipe) co_return Status{};
  net::lift_unsent_bound(way.to.fd());
  rt::Loop& loop = way.from.io().loop();
  for (std::size_t in_turn = 0;;) {
    if (in_turn >= kTunnelTurn) {
      in_turn = 0;
      co_await loop.yield();
    }
    RPX_CO_TRY(const std::size_t got, fill_pipe(*pipe, way.from, kTunnelTurn, end, way.from_side));
    if (got == 0) co_return Status{};
    in_turn += got;
    pulse.last = loop.now();
    while ((*pipe).held != 0) {
      RPX_CO_TRY(const std::size_t put, empty_pipe(*pipe, way.to, way.to_side));
      way.moved += put;
      if (put != 0) continue;
      const rt::Wake wake = co_await way.to.io().writable(deadline_after(loop.now(), idle));
      if (wake == rt::Wake::kTimeout)
        co_return std::unexpected(Error{ErrorKind::kWriteTimeout, way.to_side, "nothing is taken out of the tunnel"});
      pulse.last = loop.now();
    }
  }
}

rt::Task<Status> pump(Direction way, std::string_view ahead, Duration idle, Pulse& pulse) {
  rt::Loop& loop = way.from.io().loop();
  if (!ahead.empty()) RPX_CO_TRY_VOID(co_await net::write_all(way.to, ahead, way.to_side, Instant::max()));
  way.moved += ahead.size();
  const bool plain = way.from.is_plain() && way.to.is_plain();
  std::size_t most = 64 * 1024;
  for (std::size_t in_turn = 0;;) {
    if (in_turn >= kTunnelTurn) {
      in_turn = 0;
      co_await loop.yield();
    }
    // Here rather than in a task of its own, whose frame would be half of what a short message costs us.
    while (!way.from.io().may_read()) {
      const rt::Wake wake = co_await way.from.io().readable(deadline_after(pulse.last, idle));
      if (wake != rt::Wake::kTimeout) break;
      // Silence counts only when the other direction is silent too.
      if (deadline_after(pulse.last, idle) <= loop.now())
        co_return std::unexpected(Error{ErrorKind::kIdleTimeout, way.from_side, "nothing moved through the tunnel"});
    }
    const std::span<char> space = net::scratch().first(most);
    const net::IoResult got = way.from.try_read(space);
    if (got.state == net::IoState::kWouldBlock) continue;
    if (got.state == net::IoState::kError) co_return std::unexpected(net::io_error(got.error, way.from_side, "recv"));
    if (got.state == net::IoState::kEnd) break;
    pulse.last = loop.now();
    const iovec piece{space.data(), got.bytes};
    const net::IoResult wrote = way.to.try_write({&piece, 1});
    if (wrote.state == net::IoState::kError) co_return std::unexpected(net::io_error(wrote.error, way.to_side, "send"));
    way.moved += got.bytes;
    in_turn += got.bytes;
    if (wrote.bytes == got.bytes) {
      most = std::min(most * 2, net::kScratchBytes);
      if (!plain || got.bytes != net::kScratchBytes) continue;
      bool end = false;
      RPX_CO_TRY_VOID(co_await move_bulk(way, idle, pulse, end));
      if (end) break;
      continue;
    }
    // What the other side does not take now is held in a copy; the scratch buffer is everybody's.
    most = std::max<std::size_t>(most / 2, 16 * 1024);
    const std::string rest(space.data() + wrote.bytes, got.bytes - wrote.bytes);
    RPX_CO_TRY_VOID(co_await net::write_all(way.to, rest, way.to_side, deadline_after(loop.now(), idle)));
    pulse.last = loop.now();
  }
  way.to.shutdown_write();
  co_return Status{};
}

}  // namespace

rt::Task<Status> both_ways(rt::Loop& loop, rt::Task<Status> from_client, rt::Task<Status> to_client) {
  rt::Event either(loop);
  struct Ended final : rt::Soon {
    explicit Ended(rt::Event& to_notify) : event(to_notify) {}
    void run() override { event.notify_all(); }
    rt::Event& event;
  };
  Ended up_ended(either);
  Ended down_ended(either);
  rt::Child<Status> up(loop);
  rt::Child<Status> down(loop);
  up.start(std::move(from_client), &up_ended);
  down.start(std::move(to_client), &down_ended);
  while (!(up.done() && down.done())) {
    // One direction's failure ends both; its orderly end lets the other finish.
    if (up.done() && !up.result()) co_return std::unexpected(up.result().error());
    if (down.done() && !down.result()) co_return std::unexpected(down.result().error());
    co_await either.wait();
  }
  if (!up.result()) co_return std::unexpected(up.result().error());
  co_return down.result();
}

rt::Task<Status> tunnel(net::Stream& client, net::Stream& server, std::string_view client_ahead,
                        std::string_view server_ahead, Duration idle, TunnelBytes& moved) {
  rt::Loop& loop = client.io().loop();
  Pulse pulse{loop.now()};
  Status done = co_await both_ways(
      loop, pump({client, server, Side::kClient, Side::kUpstream, moved.from_client}, client_ahead, idle, pulse),
      pump({server, client, Side::kUpstream, Side::kClient, moved.to_client}, server_ahead, idle, pulse));
  co_return done;
}

}  // namespace rpx::proxy
