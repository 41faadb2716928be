// The signals of a proxy as something to poll. Made before any thread, so that all of them have the signals blocked and
// only the main thread hears of one.
#pragma once

#include <optional>

#include "base/error.h"

namespace rpx::serve {

struct Signal {
  int number = 0;
  bool from_terminal = false;  ///< sent by the kernel to the whole foreground group (Ctrl-C), so children have it too
};

class Signals {
 public:
  /// Blocks SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGCHLD, ignores SIGPIPE. Errors: kInternal.
  static Result<Signals> open();
  Signals(Signals&& other) noexcept;
  Signals& operator=(Signals&&) = delete;
  ~Signals();

  int fd() const noexcept { return fd_; }
  /// The next one, or nothing when none is pending.
  std::optional<Signal> take() const;

 private:
  explicit Signals(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace rpx::serve
