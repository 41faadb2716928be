// Large bodies between two plain sockets without passing through our memory: splice(2) over a pipe that the
// worker lends. On the worker's thread.
#pragma once

#include "http/body.h"
#include "proxy/busy.h"

namespace rpx::proxy {

/// Whether the rest of the reply in busy.call can be moved by the kernel: a known length on both sides, nothing
/// rewritten on the way, and enough of it to be worth the pipe.
bool may_splice(Busy& busy) noexcept;

/// Moves the rest of the reply's body to the client. Errors as for relay(). May leave a rest for relay() when no
/// pipe can be had; busy.call.reader() knows how much.
rt::Task<Status> splice_body(Busy& busy, http::RelayTimeouts timeouts);

}  // namespace rpx::proxy
