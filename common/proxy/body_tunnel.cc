#include "proxy/body_tunnel.h"

#include <algorithm>

#include "base/result.h"

namespace rpx::proxy {
namespace {

// At most this much is read at once: what the other end does not take is held for it.
constexpr std::size_t kTunnelPiece = 32 * 1024;
// After this much other connections get their turn.
constexpr std::size_t kBodiesTurn = 2 * 1024 * 1024;

// Suspends until there is something to read. Silence counts only when the other direction is silent too.
rt::Task<Status> wait_to_read(TunnelEnd& from, Duration idle, Pulse& pulse) {
  rt::Loop& loop = from.source.loop();
  for (;;) {
    const Instant deadline = deadline_after(pulse.last, idle);
    const Duration left = deadline == Instant::max() ? kForever : std::max(deadline - loop.now(), Duration::zero());
    Status waited = co_await from.source.wait(left);
    if (waited) co_return waited;
    const bool silent =
        waited.error().kind == ErrorKind::kIdleTimeout || waited.error().kind == ErrorKind::kBodyTimeout;
    if (!silent) co_return waited;
    if (deadline_after(pulse.last, idle) <= loop.now())
      co_return std::unexpected(Error{ErrorKind::kIdleTimeout, from.side, "nothing moved through the tunnel"});
  }
}

// NOLINTNEXTLINE(readability-function-size): the ends, and what both directions share
rt::Task<Status> pump(TunnelEnd from, TunnelEnd to, Duration idle, Pulse& pulse, std::uint64_t& moved) {
  rt::Loop& loop = from.source.loop();
  for (std::size_t in_turn = 0;;) {
    RPX_CO_TRY(const http::BodyPiece piece, from.source.try_read(kTunnelPiece));
    if (piece.blocked) {
      RPX_CO_TRY_VOID(co_await wait_to_read(from, idle, pulse));
      continue;
    }
    pulse.last = loop.now();
    moved += piece.data.size();
    in_turn += piece.data.size();
    const bool end = piece.end;
    RPX_CO_TRY(const bool taken, to.sink.try_write(piece.data, end));
    if (!taken) {
      RPX_CO_TRY_VOID(co_await to.sink.drain(idle));
      pulse.last = loop.now();
    }
    if (end) break;
    if (in_turn < kBodiesTurn) continue;
    in_turn = 0;
    co_await loop.yield();
  }
  if (to.stream) to.stream->shutdown_write();
  co_return Status{};
}

}  // namespace

ConnectionEnd::ConnectionEnd(Side side, net::Stream& stream, std::string_view ahead)
    : side_(side), stream_(stream), reader_(side, input_, ahead_), writer_(side) {
  limits_.min_body_rate = 0;
  if (!ahead.empty()) input_.append(ahead);
  reader_.begin(stream, http::Framing::kClose, 0, limits_, 0);
  writer_.begin(stream, http::Framing::kClose);
}

rt::Task<Status> tunnel_bodies(TunnelEnd client, TunnelEnd server, Duration idle, TunnelBytes& moved) {
  rt::Loop& loop = client.source.loop();
  Pulse pulse{loop.now()};
  Status done = co_await both_ways(loop, pump(client, server, idle, pulse, moved.from_client),
                                   pump(server, client, idle, pulse, moved.to_client));
  co_return done;
}

}  // namespace rpx::proxy
