#include <algorithm>

#include "base/result.h"
#include "http/body.h"

namespace rpx::http {
namespace {

// How much to read at once: what a slow peer does not take is held for it, so a peer that leaves bytes behind
// is served from smaller reads. Between 16 KiB and the whole scratch buffer.
constexpr std::size_t kLeastRead = 16 * 1024;
constexpr std::size_t kMostRead = 256 * 1024;
// A peer pair that always keeps up would hold the worker for the whole body; others get their turn after this much.
constexpr std::size_t kTurn = 2 * 1024 * 1024;

}  // namespace

rt::Task<Status> relay(BodySource& source, BodySink& sink, RelayTimeouts timeouts, bool trailers) {
  std::size_t most = kMostRead;
  std::size_t in_turn = 0;
  for (;;) {
    const Result<BodyPiece> piece = source.try_read(std::min(most, sink.room()));
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->blocked) {
      RPX_CO_TRY(const bool flushed, sink.try_flush());
      if (!flushed) RPX_CO_TRY_VOID(co_await sink.drain(timeouts.sink_stall));
      RPX_CO_TRY_VOID(co_await source.wait(timeouts.source_stall));
      continue;
    }
    RPX_CO_TRY(const bool taken, sink.try_write(piece->data, piece->end, trailers ? source.trailers() : nullptr));
    const bool end = piece->end;
    in_turn += piece->data.size();
    if (!taken) {
      most = std::max(kLeastRead, most / 2);
      RPX_CO_TRY_VOID(co_await sink.drain(timeouts.sink_stall));
    } else {
      most = std::min(kMostRead, most * 2);
    }
    if (end) co_return Status{};
    if (in_turn >= kTurn) {
      in_turn = 0;
      co_await source.loop().yield();
    }
  }
}

}  // namespace rpx::http
