// The command a proxy runs beside itself (--exec): started with the proxy's whereabouts in its environment, ended with
// the proxy. Main thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace rpx::serve {

/// The exit status of a proxy whose command could not be started, as a shell has it.
inline constexpr int kCannotStart = 127;

class Command {
 public:
  /// Starts `words` with `environment` added to ours. Errors: kUsage, when it is not found or may not be run.
  static Result<Command> start(const std::vector<std::string>& words,
                               const std::vector<std::pair<std::string, std::string>>& environment);
  Command(Command&& other) noexcept;
  Command& operator=(Command&&) = delete;
  /// Kills it if it still runs, and waits for it.
  ~Command();

  void send(int signal) const;
  /// Its exit status once it has ended (128+n when signal n ended it), nothing before. Call on SIGCHLD.
  std::optional<int> poll();

 private:
  explicit Command(pid_t pid) : pid_(pid) {}
  pid_t pid_;
  std::optional<int> status_;
};

}  // namespace rpx::serve
