// Connecting with a deadline, for what may block: tools and threads of their own.
#pragma once

#include "base/units.h"
#include "net/fd.h"
#include "net/resolver.h"
#include "pki/served.h"

namespace rpx::pki {

/// While one lives, waits of this thread end early, as if their time were over, once `fd` can be read: for threads that
/// must end when they are told to. Names are looked up by `names` then; without it by the system, which ends when it
/// likes to.
class WaitsEndWith {
 public:
  WaitsEndWith(int fd, net::Resolver& names) noexcept;
  ~WaitsEndWith();
  WaitsEndWith(const WaitsEndWith&) = delete;
  WaitsEndWith& operator=(const WaitsEndWith&) = delete;

 private:
  const int before_;
  net::Resolver* const names_before_;
};

/// Waits until `fd` is ready for `events`, as in poll(2); false when `deadline` comes first.
bool await_ready(int fd, short events, Instant deadline);
/// A socket that does not block, connected to the first address of `endpoint` that answers. Errors: kUnresolved,
/// kConnectRefused, kConnectTimeout, kConnectFailed.
Result<net::UniqueFd> dial_any(const Endpoint& endpoint, Instant deadline);
/// In the role that `ssl` has; it is over `fd`, which does not block. Errors: kTlsProtocol, kConnectTimeout.
Status shake_hands(SSL* ssl, int fd, Instant deadline);

}  // namespace rpx::pki
