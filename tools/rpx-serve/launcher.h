// A process of ours that stays as it was started, while the proxy gives up what it may do: it starts the program anew,
// from the same words and surroundings, when a new version is to take over (rpx-serve upgrade). It ends with the proxy.
// Started on the main thread; the rest on any, one at a time.
//
//   proxy      forget, listener…, begin ─────────▶ launcher ── fork, exec ──▶ the new process
//     ◀───────────────────────── serves ─────────────────────────────────────────┤   its control socket at PATH.new
//     │        rename, leave ────────────────────▶ launcher   PATH.new → PATH    │
//     ├───────────────────────── go on ──────────────────────────────────────────▶   and only now nothing can fail
//
// Until "go on" the new one changes nothing that is the proxy's, and ends when the proxy's end of the channel closes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "net/fd.h"
#include "net/inherited.h"

namespace rpx::serve {

class Launcher;

/// The program, started anew, which waits for leave to go on. It is ended when it has not got that.
class Successor {
 public:
  ~Successor();
  Successor(Successor&& other) noexcept = default;
  Successor& operator=(Successor&&) = delete;

  pid_t pid() const noexcept { return pid_; }
  /// Gives it the name of our control socket, where it has one for that, and lets it go on: it stays from here.
  /// Errors: kUsage when it has ended, or its socket cannot be renamed.
  Status go_on();

 private:
  friend class Launcher;
  Successor(Launcher& launcher, net::UniqueFd channel, pid_t pid)
      : launcher_(&launcher), channel_(std::move(channel)), pid_(pid) {}
  Status await(Duration patience, const std::function<bool()>& is_over);

  Launcher* launcher_;     ///< outlives it
  net::UniqueFd channel_;  ///< none: it was moved from, or has gone on
  pid_t pid_;
  bool has_control_ = false;
};

class Launcher {
 public:
  /// Before there are other threads, and before anything is given up. Errors: kInternal.
  static Result<std::unique_ptr<Launcher>> start();
  /// Waits for its end.
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  /// Where our control socket is; empty = nowhere. Once, before anything is given up: what is said later is not heard,
  /// so that the launcher can be asked for nothing but what is ours.
  void set_control(const std::string& path);
  /// Starts the program with `sockets`, and waits until it serves. Errors: kUsage where it cannot be run, has ended
  /// before it served, or did not serve within `patience`; kDraining when `is_over`, which is asked several times a
  /// second, becomes true; it does not run then.
  Result<Successor> launch(const std::vector<net::InheritedSockets>& sockets, Duration patience,
                           const std::function<bool()>& is_over);

 private:
  friend class Successor;
  Launcher(pid_t pid, net::UniqueFd socket) : pid_(pid), socket_(std::move(socket)) {}
  Status tell(const std::vector<std::string_view>& words, const std::vector<int>& descriptors = {});
  Result<std::int32_t> ask(std::string_view verb, const std::vector<int>& descriptors = {});

  const pid_t pid_;
  net::UniqueFd socket_;
};

}  // namespace rpx::serve
