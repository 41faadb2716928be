// Hedging: a read whose server is slow is asked of a second one as well, and whichever answers first has answered.
// Beside forward.cc, the caller. On the worker's thread.
#pragma once

#include "proxy/tries.h"

namespace rpx::proxy {

/// Whether the request may be asked of two servers at once: a read without a body, that is no upgrade.
bool may_hedge(const Ask& ask) noexcept;

/// As await_reply() for a try that `tries` has begun: when there is no reply within the upstream's `hedge`, another
/// server gets the request too. Where that one is quicker, busy.call, busy.lease and the trail are about it afterwards.
/// Errors: those of the first server.
rt::Task<Status> await_hedged(const Ask& ask, Tries& tries);

}  // namespace rpx::proxy
