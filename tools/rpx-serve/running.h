// A proxy that runs: server, control socket, and the loop of the main thread that hears signals, stop requests and the
// end of a command. Made by run and demo on the main thread, which stays in wait().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/error.h"
#include "cli/spec.h"
#include "command.h"
#include "control/server.h"
#include "live_host.h"
#include "proxy/server.h"
#include "ready.h"
#include "sandbox.h"
#include "signals.h"
#include "source.h"

namespace rpx::serve {

class Running {
 public:
  struct Settings {
    Source source;
    cli::Common common;
    bool strict = false;
    bool has_command = false;      ///< a command is to run beside it, which must not be confined with it
    std::string ready_file;        ///< is written later; may be empty
    pid_t die_with = 0;            ///< end when this process, our parent, ends; 0 = do not
    Launcher* launcher = nullptr;  ///< who may start another in our place; outlives us
    std::string alone;             ///< why there is none: "it ends with its parent"
    /// Control socket of a process that serves still and that we are about to take over from; empty = of none.
    std::string control_before;
  };
  /// Binds, starts the workers, opens the control socket and drops privileges; `loaded` came from the source. A control
  /// socket nobody asked for by name that cannot be made is a warning. Errors: kConfig, kUsage, kIo, in one line.
  static Result<std::unique_ptr<Running>> start(config::Loaded loaded, const Settings& settings);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  const Ready& ready() const noexcept { return ready_; }
  /// Suspends the caller until active checks have found out about every server, for `patience` at most, or until a
  /// signal has come.
  void await_checks(const Signals& signals, Duration patience);

  /// Whether our control socket waits for the name that the one before still answers at.
  bool has_control_aside() const noexcept { return control_aside_; }
  /// It has got it.
  void settle();

  /// Serves until a signal, a stop request or the end of `command`, then lets exchanges finish. Returns the exit code:
  /// the command's, or 0 when nothing had to be cut, or 4.
  int wait(const Signals& signals, std::optional<Command> command);
  /// Another process serves in our place.
  bool has_successor() const noexcept { return host_->successor() != 0; }

 private:
  explicit Running(std::unique_ptr<proxy::Server> server);
  static Sandbox confined(const proxy::SiteOptions& options, const Settings& settings);
  static Result<std::unique_ptr<Running>> begin(config::Loaded loaded, const Settings& settings);
  Status open_control(const Settings& settings, const proxy::ServeOptions& serve, const Sandbox& sandbox);
  Status bind_admin(const std::string& address);
  Status open_admin();
  void on_signal(const Signal& signal, std::optional<Command>& command);
  void on_stop_request(std::optional<Command>& command);
  void on_child(std::optional<Command>& command);
  void end_command(const Command& command, int signal, Duration grace);
  void reload();
  void begin_stop(std::string_view why, Duration grace);
  Duration configured_grace();
  int timeout_ms() const;

  std::unique_ptr<proxy::Server> server_;
  int stop_fd_;   ///< eventfd: the control API asks to stop
  int ended_fd_;  ///< eventfd: the server has stopped
  std::unique_ptr<LiveHost> host_;
  std::unique_ptr<control::Server> control_;
  net::UniqueFd admin_socket_;  ///< until it is served
  std::string admin_address_;
  std::string admin_text_;  ///< as it is configured
  bool control_aside_ = false;
  std::unique_ptr<control::Server> admin_;
  Ready ready_;
  bool stopping_ = false;
  bool whole_ = true;
  std::optional<Instant> kill_at_;  ///< when a command that was told to end is killed
  std::thread waiter_;
};

}  // namespace rpx::serve
