// The reply to a request of the proxy's own (inner_exchange.h), once it has been forwarded. On the worker's thread.
#pragma once

#include <string>

#include "proxy/busy.h"
#include "rt/task.h"

namespace rpx::proxy {

/// Reads the body of the reply that `inner` holds into `body`, waiting at most `patience` for each piece. Errors: those
/// of the connection; kResponseTooLarge over `most` bytes.
rt::Task<Status> read_reply(Busy& inner, Duration patience, std::size_t most, std::string& body);
/// The connection to the server serves others when its reply is over (`whole`), and is closed otherwise.
void let_go_inner(Busy& inner, bool whole) noexcept;

}  // namespace rpx::proxy
