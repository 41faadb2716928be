#include "running.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <limits>

#include "base/log.h"
#include "base/result.h"
#include "cli/exit_code.h"
#include "net/listener.h"
#include "notify.h"
#include "process.h"
#include "proxy/acme_store.h"
#include "proxy/error_log.h"

namespace rpx::serve {

namespace {

void drain_event(int fd) {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(fd, &count, sizeof(count));
}

std::string_view name_of_signal(int number) {
  const char* name = ::sigabbrev_np(number);
  return name == nullptr ? "?" : name;
}

}  // namespace

namespace {

// Before the sandbox is closed, so that this folder alone is left open, and while it can be given away. What goes wrong
// is told when it is used.
void prepare_store(const proxy::AcmeOptions& acme, const std::optional<User>& user) {
  if (acme.hosts.empty()) return;
  std::error_code ignored;
  if (std::filesystem::exists(acme.store, ignored)) return;
  if (!proxy::AcmeStore(acme.store).prepare() || !user) return;
  for (const char* below : {"", "/certificates", "/state", "/challenges"}) [[maybe_unused]]
    const int given = ::chown((acme.store + below).c_str(), user->uid, user->gid);
}

}  // namespace

Running::Running(std::unique_ptr<proxy::Server> server)
    : server_(std::move(server)),
      stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      ended_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Result<std::unique_ptr<Running>> Running::start(config::Loaded loaded, const Settings& settings) {
  auto running = begin(std::move(loaded), settings);
  if (!running) proxy::close_error_log();
  return running;
}

Result<std::unique_ptr<Running>> Running::begin(config::Loaded loaded, const Settings& settings) {
  RPX_TRY(const auto user, find_user(loaded.options.serve.user));
  loaded.options.log.level = effective_level(loaded.options.log.level, settings.common);
  RPX_TRY_VOID(proxy::install_error_log(loaded.options.log));
  if (!settings.common.socket.empty()) {
    RPX_TRY(loaded.options.serve.control, find_socket(settings.common));
  }
  const proxy::ServeOptions serve = loaded.options.serve;
  prepare_store(loaded.options.acme, user);
  const std::string admin = loaded.options.admin.address;
  // Before there are other threads: a thread that runs already would not be confined.
  const Sandbox sandbox = confined(loaded.options, settings);
  RPX_TRY(auto server, proxy::Server::start(std::move(loaded.options)));
  std::unique_ptr<Running> running(new Running(std::move(server)));
  if (running->stop_fd_ < 0 || running->ended_fd_ < 0) {
    return self_error(ErrorKind::kInternal, errno_text("eventfd", errno));
  }
  RPX_TRY_VOID(running->bind_admin(admin));
  RPX_TRY_VOID(running->open_control(settings, serve, sandbox));
  RPX_TRY_VOID(running->open_admin());
  if (settings.launcher != nullptr) settings.launcher->set_control(running->control_ ? running->control_->path() : "");
  if (user) RPX_TRY_VOID(become(*user));
  sandbox.finish();
  // Becoming another user forgets whose end we wait for, so this comes last.
  if (settings.die_with != 0) RPX_TRY_VOID(die_with_parent(settings.die_with));
  running->server_->settle();
  running->ready_ = {.pid = ::getpid(),
                     .control = running->control_ ? running->control_->path() : "",
                     .listeners = running->server_->status().listeners};
  return running;
}

// A command that runs beside the proxy is the user's own and keeps its rights; it would inherit what is given up.
Sandbox Running::confined(const proxy::SiteOptions& options, const Settings& settings) {
  if (!options.serve.sandbox || settings.has_command) return Sandbox::none();
  const std::string file = settings.source.path();
  return Sandbox::begin(
      Sandbox::writable_of(options, {file.empty() ? "" : file.substr(0, file.rfind('/') + 1), settings.ready_file}));
}

Status Running::open_control(const Settings& settings, const proxy::ServeOptions& serve, const Sandbox& sandbox) {
  const auto make_host = [&](std::string path) {
    host_ = std::make_unique<LiveHost>(*server_,
                                       LiveHost::Settings{.source = settings.source,
                                                          .common = settings.common,
                                                          .strict = settings.strict,
                                                          .control = std::move(path),
                                                          .admin = admin_address_,
                                                          .sandbox = sandbox,
                                                          .launcher = settings.launcher,
                                                          .alone = settings.alone,
                                                          .admin_fd = admin_socket_.get(),
                                                          .admin_text = admin_text_},
                                       stop_fd_);
  };
  if (serve.control.empty()) {
    make_host("");
    return {};
  }
  const bool aside = serve.control == settings.control_before;
  auto file = aside ? control::SocketFile::take_over(serve.control) : control::SocketFile::listen_at(serve.control);
  if (!file) {
    if (serve.control != default_socket()) return std::unexpected(std::move(file.error()));
    log_event(LogLevel::kWarning, "no control socket", {{"why", file.error().detail}});
    make_host("");
    return {};
  }
  RPX_TRY(const auto user, find_user(serve.user));
  if (user) RPX_TRY_VOID(file->give_to(user->uid, user->gid));
  make_host(serve.control);
  RPX_TRY(control_, control::Server::start(*std::move(file), *host_));
  control_aside_ = aside;
  return {};
}

// Its port is bound before privileges go; it is served once there is a host to ask.
Status Running::bind_admin(const std::string& address) {
  if (address.empty()) return {};
  auto bound = net::listen_on(address, 1);
  if (!bound) return self_error(bound.error().kind, "admin.address: " + bound.error().detail);
  admin_address_ = bound->bound.to_string();
  admin_text_ = address;
  admin_socket_ = std::move(bound->sockets.front());
  return {};
}

Status Running::open_admin() {
  if (!admin_socket_) return {};
  RPX_TRY(admin_, control::Server::start_tcp(std::move(admin_socket_), admin_address_, *host_));
  log_event(LogLevel::kInfo, "the control API is served over TCP", {{"address", admin_address_}});
  return {};
}

void Running::settle() {
  if (control_aside_) control_->settle();
  control_aside_ = false;
}

Running::~Running() {
  admin_.reset();
  control_.reset();
  if (waiter_.joinable()) waiter_.join();
  server_.reset();
  host_.reset();
  if (stop_fd_ >= 0) ::close(stop_fd_);
  if (ended_fd_ >= 0) ::close(ended_fd_);
  proxy::close_error_log();
}

Duration Running::configured_grace() { return server_->options()->serve.grace; }

void Running::begin_stop(std::string_view why, Duration grace) {
  if (stopping_) {
    // Asked again: whoever asks does not want to wait.
    log_event(LogLevel::kNotice, "stopping now", {{"why", why}});
    server_->stop(grace);
    return;
  }
  stopping_ = true;
  host_->give_up_upgrade();
  // To a service manager we are one service, whose main process is another now.
  has_successor() ? notify(fmt::format("MAINPID={}", host_->successor())) : notify("STOPPING=1");
  log_event(LogLevel::kNotice, "stopping", {{"why", why}, {"grace", format_duration(grace)}});
  server_->stop(grace);
  waiter_ = std::thread([this] {
    whole_ = server_->wait();
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(ended_fd_, &one, sizeof(one));
  });
}

void Running::reload() {
  const auto done = host_->reload();
  if (done) {
    log_event(LogLevel::kNotice, "reloaded",
              {{"generation", std::to_string(done->generation)},
               {"changes", fmt::format("{}", fmt::join(done->changes, "; "))}});
    for (const config::Problem& warning : done->warnings) {
      log_event(LogLevel::kWarning, warning.message, {{"file", warning.file}, {"line", std::to_string(warning.line)}});
    }
    return;
  }
  log_event(LogLevel::kError, "reload refused, the running configuration stays");
  for (const config::Problem& problem : done.error()) {
    const std::string place = fmt::format("{}:{}:{}", problem.file, problem.line, problem.column);
    log_event(problem.warning ? LogLevel::kWarning : LogLevel::kError, problem.message, {{"at", place}});
  }
}

void Running::on_signal(const Signal& signal, std::optional<Command>& command) {
  switch (signal.number) {
    case SIGHUP: reload(); break;
    case SIGUSR1:
      server_->reopen_logs();
      log_event(LogLevel::kNotice, "logs reopened");
      break;
    case SIGCHLD: on_child(command); break;
    default:
      if (command) {
        // From a terminal the command has the signal already; 0 only looks whether it is there.
        end_command(*command, signal.from_terminal ? 0 : signal.number, configured_grace());
      } else {
        begin_stop(name_of_signal(signal.number), stopping_ ? Duration::zero() : configured_grace());
      }
  }
}

void Running::on_stop_request(std::optional<Command>& command) {
  drain_event(stop_fd_);
  const Duration grace = host_->stop_grace().value_or(configured_grace());
  if (command) {
    end_command(*command, SIGTERM, grace);
  } else {
    // Its answers are the other's now, but for the one that is being given.
    if (has_successor()) admin_.reset();
    begin_stop(has_successor() ? "another process serves in our place" : "control", grace);
  }
}

// The command decides when it is over, and the proxy stays as long as it may be needed; but not beyond the grace.
void Running::end_command(const Command& command, int signal, Duration grace) {
  command.send(signal);
  if (!kill_at_ && grace != kForever) kill_at_ = std::chrono::steady_clock::now() + grace;
}

void Running::on_child(std::optional<Command>& command) {
  if (command && command->poll() && !stopping_) begin_stop("the command has ended", configured_grace());
}

void Running::await_checks(const Signals& signals, Duration patience) {
  constexpr int kLookMs = 20;
  const Instant until = deadline_after(std::chrono::steady_clock::now(), patience);
  while (!server_->settled()) {
    if (std::chrono::steady_clock::now() >= until) {
      log_event(LogLevel::kWarning, "ready before active checks have found out about every server",
                {{"wait_ready", format_duration(patience)}});
      return;
    }
    pollfd watched[] = {{.fd = signals.fd(), .events = POLLIN, .revents = 0},
                        {.fd = stop_fd_, .events = POLLIN, .revents = 0}};
    if (::poll(watched, std::size(watched), kLookMs) != 0) return;
  }
}

int Running::timeout_ms() const {
  if (!kill_at_) return -1;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*kill_at_ - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count() + 1, 0, std::numeric_limits<int>::max()));
}

int Running::wait(const Signals& signals, std::optional<Command> command) {
  for (;;) {
    pollfd watched[] = {{.fd = signals.fd(), .events = POLLIN, .revents = 0},
                        {.fd = stop_fd_, .events = POLLIN, .revents = 0},
                        {.fd = ended_fd_, .events = POLLIN, .revents = 0}};
    const int count = ::poll(watched, std::size(watched), timeout_ms());
    if (count == 0 && command) command->send(SIGKILL);
    if (count == 0) kill_at_.reset();
    while (const auto signal = signals.take()) on_signal(*signal, command);
    if (watched[1].revents != 0) on_stop_request(command);
    if (watched[2].revents != 0) break;
  }
  waiter_.join();
  log_event(LogLevel::kNotice, whole_ ? "stopped" : "stopped; what had not finished was cut");
  if (command) return command->poll().value_or(cli::exit_code_of_signal(SIGKILL));
  return cli::to_int(whole_ ? cli::ExitCode::kDone : cli::ExitCode::kTimeout);
}

}  // namespace rpx::serve
