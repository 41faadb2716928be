// The wait for a server's reply: its head, interim ones passed on before it, while the request's body may still be on
// its way and the client may go. Beside forward.cc and hedge.cc, the callers. On the worker's thread.
#pragma once

#include "proxy/forward_head.h"

namespace rpx::proxy {

/// Has busy.call hold the head of a final reply, or a 101 that was asked for; busy.trail has the times. Errors: those
/// of the call, the upload or, on Side::kClient, of a client that went away.
rt::Task<Status> await_reply(const Ask& ask);

}  // namespace rpx::proxy
