// Listening sockets: TCP (one a worker, sharing the port), Unix, and inherited ones. Binding happens on the
// main thread; accepting on the workers.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/ip.h"
#include "net/fd.h"

namespace rpx::net {

/// One `listen.address`, bound. With several workers a TCP address has one socket each; Unix and inherited ones
/// are one socket that all share.
struct Listener {
  std::vector<UniqueFd> sockets;  ///< one, one a worker, or as many as there were workers in the process before
  Address bound;                  ///< with the port the kernel picked
  std::string unlink_path;        ///< Unix socket file to remove at the end; empty for none
  bool inherited = false;         ///< by inherit_sockets(): the file stays while the process before may need it

  Listener() = default;
  Listener(Listener&& other) noexcept = default;
  Listener& operator=(Listener&&) noexcept = default;
  ~Listener();

  /// Whether connections are accepted only when their first bytes are there, which saves HTTP a wait; it is what
  /// listen_on begins with. Where servers speak first it has to be off.
  void wait_for_bytes(bool on) const noexcept;
};

/// Binds `address` as in [[listen]]: "host:port", ":port" (all interfaces, IPv4 and IPv6), "[::1]:port", "unix:path",
/// "fd:3", "fd:name" (LISTEN_FDNAMES). `sockets` is the number of workers. A port somebody else listens on is refused
/// even where SO_REUSEPORT would share it. A stale Unix socket file is replaced, one in use is refused.
/// What inherit_sockets() has for the address is taken up as it is.
/// Errors: kIo, kConfig; the detail names the address.
Result<Listener> listen_on(std::string_view address, std::size_t sockets);

/// What is not yet on its way to the peer of an accepted connection is bounded, against those who read slowly; this
/// lets the kernel hold as much of it as it sees fit.
void lift_unsent_bound(int fd) noexcept;

/// Whether its peer has reset an accepted connection, whatever came before that. Asked once: it clears the error.
bool is_reset(int fd) noexcept;

}  // namespace rpx::net
