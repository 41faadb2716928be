// The other end of launcher.h, in the program that it starts. Main thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "net/fd.h"

namespace rpx::serve {

class TakeOver {
 public:
  /// What the process before this one has left; null in a process that was started by somebody else. The sockets go to
  /// net::inherit_sockets. Errors: kUsage.
  static Result<std::unique_ptr<TakeOver>> begin();

  /// The control socket of the process before; empty = it has none.
  const std::string& control() const noexcept { return control_; }
  /// Says that we serve, and waits until the process before lets us go on; by then our control socket, where
  /// `has_control`, has its name. What was inherited is ours then, and what nobody has taken up is gone. Errors: kUsage
  /// when that process does not wait for us any more, or we have been told to end: nothing of it has changed.
  Status finish(bool has_control);

 private:
  TakeOver(net::UniqueFd channel, std::string control) : channel_(std::move(channel)), control_(std::move(control)) {}
  net::UniqueFd channel_;
  std::string control_;
};

}  // namespace rpx::serve
