#include "proxy/client_gone.h"

#include "base/result.h"
#include "proxy/load.h"
#include "proxy/site.h"

namespace rpx::proxy {

upstream::WaitingClient waiting_client(Busy& busy) noexcept {
  return {busy.exchange.stream(), busy.live->site->limits().answer_half_closed == http::Limits::kAlways};
}

upstream::WaitingClient asking_client(Busy& busy) noexcept {
  return {busy.exchange.stream(), busy.live->site->limits().answer_half_closed != http::Limits::kNever};
}

rt::Task<Status> pause_until(rt::Loop& loop, Busy& busy, Instant until) {
  const upstream::WaitingClient client = waiting_client(busy);
  rt::Event event(loop);
  const upstream::GoneWatch gone(client, event);
  while (loop.now() < until) {
    if (client.is_gone()) co_return std::unexpected(client.error());
    co_await event.wait(until);
  }
  co_return Status{};
}

}  // namespace rpx::proxy
