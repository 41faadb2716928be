// The control API on a Unix socket: Poco's HTTP server with a few threads of its own, so that nothing asked here can
// stall a worker. Started and stopped by tools/rpx-serve on the main thread.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "control/host.h"
#include "control/socket.h"
#include "net/fd.h"

namespace rpx::control {

class Server {
 public:
  /// Serves `host`, which outlives the server, at the bound `socket`. Only this process' user and root are answered;
  /// anybody else gets 403. Errors: kInternal when no thread can be started.
  static Result<std::unique_ptr<Server>> start(SocketFile socket, Host& host);
  /// The same at `listening`, a bound TCP socket, by the rules of control/gate.h and the token that the configuration
  /// has now. `address` is what path() gives.
  static Result<std::unique_ptr<Server>> start_tcp(rpx::net::UniqueFd listening, std::string address, Host& host);
  /// Lets answers that have begun be sent, then closes every connection and removes the socket file.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The socket file, one of SocketFile::take_over, has its name now. Main thread.
  void settle();
  /// Of the socket file, or the address.
  const std::string& path() const noexcept;

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace rpx::control
