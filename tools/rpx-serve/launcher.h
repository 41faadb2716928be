// A process of ours that stays as it was started, while the proxy gives up what it may do: it starts the program anew,
// from the same words and surroundings, when a new version is to take over (rpx-serve upgrade). It ends with the proxy.
// Started on the main thread; launch() on any, one at a time.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "net/fd.h"
#include "net/inherited.h"

namespace rpx::serve {

class Launcher {
 public:
  /// Before there are other threads, and before anything is given up. Errors: kInternal.
  static Result<std::unique_ptr<Launcher>> start();
  /// Waits for its end.
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  /// Starts the program with `sockets`, and waits until it serves. Its process id. Errors: kUsage where it cannot be
  /// run, has ended before it served, or did not serve within `patience`; it does not run then.
  Result<pid_t> launch(const std::vector<net::InheritedSockets>& sockets, Duration patience);

 private:
  Launcher(pid_t pid, net::UniqueFd socket) : pid_(pid), socket_(std::move(socket)) {}

  const pid_t pid_;
  net::UniqueFd socket_;
};

/// The other end, in the program that launch() starts.
class TakeOver {
 public:
  /// What the process before this one has left; null in a process that was started by somebody else. The sockets go to
  /// net::inherit_sockets. Errors: kUsage.
  static Result<std::unique_ptr<TakeOver>> begin();
  /// We serve. What nobody has taken up is closed. Errors: kUsage when nobody waits for us any more.
  Status finish();

 private:
  explicit TakeOver(net::UniqueFd tell) : tell_(std::move(tell)) {}
  net::UniqueFd tell_;
};

}  // namespace rpx::serve
