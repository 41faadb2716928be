// Whether the client that a request is for has gone away, while nobody reads its connection. What an end of its sending
// side means is limits.answer_half_closed's to say. Streams of a shared connection are ended from outside instead. On
// the worker's thread.
#pragma once

#include "proxy/busy.h"
#include "rt/loop.h"
#include "upstream/gone_watch.h"

namespace rpx::proxy {

/// The client of a request that has not been sent to a server.
upstream::WaitingClient waiting_client(Busy& busy) noexcept;
/// The client of a request that a server has.
upstream::WaitingClient asking_client(Busy& busy) noexcept;

/// Holds a request back until `until`. Errors, Side::kClient: kReset and kClosed when the client goes away meanwhile.
rt::Task<Status> pause_until(rt::Loop& loop, Busy& busy, Instant until);

}  // namespace rpx::proxy
