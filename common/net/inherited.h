// Listening sockets that go from one process to the next, so that a new version takes over without a moment in which
// nobody listens (rpx-serve upgrade). Main thread, but for take_inherited_sockets().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/fd.h"

namespace rpx::net {

/// What one `listen.address` is bound to.
struct InheritedSockets {
  std::string address;  ///< as it was given to listen_on()
  std::string unlink_path;
  std::vector<UniqueFd> sockets;
};

/// listen_on() takes these up instead of binding anew: each once, in their order where an address is there twice. Until
/// settle_inherited_sockets() the process before serves with them too, and their files are its: they stay when this one
/// ends.
void inherit_sockets(std::vector<InheritedSockets> sockets);
/// The first of them for `address`; no sockets when there is none. Any thread.
InheritedSockets take_inherited_sockets(std::string_view address);
/// They are ours alone: those that nobody has taken up are closed, their files removed.
void settle_inherited_sockets();
/// Whether they are not, yet. Any thread.
bool is_still_inheriting();

}  // namespace rpx::net
