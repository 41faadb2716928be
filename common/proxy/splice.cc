#include "proxy/splice.h"

#include "base/result.h"
#include "net/listener.h"
#include "proxy/pipe.h"
#include "rt/loop.h"

namespace rpx::proxy {
namespace {

// Below this a pipe costs more than the copy it saves.
constexpr std::uint64_t kWorthwhile = 256 * 1024;
// Who has taken so much does not read slowly: from there on fewer and larger pieces cost half the CPU for each byte.
constexpr std::uint64_t kTaken = 1024 * 1024;

}  // namespace

bool may_splice(Busy& busy) noexcept {
  net::Stream* client = busy.exchange.stream();
  http::H1Call* call = busy.call.h1();
  return client && client->is_plain() && call && busy.lease.stream().is_plain() &&
         call->reader().framing() == http::Framing::kLength && call->reader().left() >= kWorthwhile &&
         call->leftover().empty();
}

rt::Task<Status> splice_body(Busy& busy, http::RelayTimeouts timeouts) {
  http::H1BodyReader& body = busy.call.h1()->reader();
  http::H1BodyWriter& writer = busy.h1.writer();
  // What was written by the ordinary way goes first.
  RPX_CO_TRY_VOID(co_await writer.drain(timeouts.sink_stall));
  net::Stream& client = *busy.exchange.stream();
  net::Stream& server = busy.lease.stream();
  BorrowedPipe pipe;
  if (!pipe) co_return Status{};
  bool had_turn = false;
  std::uint64_t taken = 0;
  while (body.left() != 0 || (*pipe).held != 0) {
    bool end = false;
    // One pipe at a time and then the others: it is fair, and while they have their turn both ends of this body work
    // beside us and congestion control paces what was sent. More at once cost a third more CPU for each byte.
    if (had_turn) {
      had_turn = false;
      co_await client.io().loop().yield();
    }
    if (body.left() != 0 && server.io().may_read()) {
      RPX_CO_TRY(const std::size_t got, fill_pipe(*pipe, server, body.left(), end, Side::kUpstream));
      body.skipped(got);
      had_turn = got != 0;
    }
    if ((*pipe).held != 0) {
      RPX_CO_TRY(const std::size_t put, empty_pipe(*pipe, client, Side::kClient));
      writer.moved(put);
      if (taken < kTaken && taken + put >= kTaken) net::lift_unsent_bound(client.fd());
      taken += put;
      if (put == 0) RPX_CO_TRY_VOID(co_await writer.wait_for_room(timeouts.sink_stall));
      continue;
    }
    if (end) co_return upstream_error(ErrorKind::kResponseTruncated, "the server closed in the middle of its reply");
    if (body.left() != 0 && !server.io().may_read()) RPX_CO_TRY_VOID(co_await body.wait(timeouts.source_stall));
  }
  co_return Status{};
}

}  // namespace rpx::proxy
