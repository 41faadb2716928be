#include "live_host.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/events.h"
#include "base/result.h"
#include "notify.h"
#include "proxy/error_log.h"

namespace rpx::serve {

namespace {

config::Problem problem_of(std::string message, bool warning) {
  config::Problem problem;
  problem.message = std::move(message);
  problem.warning = warning;
  return problem;
}

void publish_problem(const config::Problem& problem) {
  publish(EventKind::kConfigError, {{"file", problem.file},
                                    {"line", std::uint64_t{problem.line}},
                                    {"column", std::uint64_t{problem.column}},
                                    {"message", problem.message}});
}

constexpr Duration kUpgradePatience = std::chrono::seconds(60);

// The manager hears of the beginning and, whatever came of it, of the end.
class ReloadNotice {
 public:
  ReloadNotice() { notify_reloading(); }
  ~ReloadNotice() { notify("READY=1"); }
  ReloadNotice(const ReloadNotice&) = delete;
  ReloadNotice& operator=(const ReloadNotice&) = delete;
};

}  // namespace

LogLevel effective_level(LogLevel configured, const cli::Common& common) {
  if (common.quiet) return LogLevel::kError;
  if (common.verbose > 1) return LogLevel::kTrace;
  return common.verbose == 1 ? std::min(configured, LogLevel::kDebug) : configured;
}

LiveHost::LiveHost(proxy::Server& server, Settings settings, int stop_fd)
    : server_(server), settings_(std::move(settings)), stop_fd_(stop_fd) {}

control::Identity LiveHost::identity() {
  return {.version = RPX_VERSION,
          .pid = ::getpid(),
          .config = settings_.source.path(),
          .control = settings_.control,
          .admin = settings_.admin};
}

std::string LiveHost::effective_config() {
  std::string json = config::effective_json(*server_.options());
  while (json.ends_with('\n')) json.pop_back();
  return json;
}

std::expected<config::Loaded, std::vector<config::Problem>> LiveHost::load_changed() {
  auto loaded = settings_.source.load_again();
  if (!loaded) return loaded;
  if (settings_.strict && !loaded->problems.empty()) return std::unexpected(std::move(loaded->problems));
  const std::string outside = settings_.sandbox.outside(Sandbox::writable_of(loaded->options, {}));
  if (!outside.empty())
    return std::unexpected(std::vector{
        problem_of(fmt::format("the sandbox keeps this process from writing to {}, which the configuration it started "
                               "with did not name; restart, or set sandbox = false in [serve]",
                               outside),
                   false)});
  // What was decided when the process started holds for its life.
  loaded->options.tls.key_log = server_.options()->tls.key_log;
  if (!settings_.common.socket.empty()) loaded->options.serve.control = settings_.control;
  loaded->options.log.level = effective_level(loaded->options.log.level, settings_.common);
  return loaded;
}

std::expected<control::Reloaded, std::vector<config::Problem>> LiveHost::reload() {
  const std::lock_guard lock(reload_mutex_);
  const ReloadNotice notice;
  if (upgrading_ || successor_ != 0)
    return std::unexpected(
        std::vector{problem_of("an upgrade is under way: another process has read, or is about to read, the "
                               "configuration; reload that one once it serves",
                               false)});
  auto loaded = load_changed();
  if (!loaded) {
    for (const config::Problem& problem : loaded.error()) publish_problem(problem);
    return std::unexpected(std::move(loaded.error()));
  }
  control::Reloaded done;
  done.changes = config::diff(*server_.options(), loaded->options);
  done.warnings = std::move(loaded->problems);
  const proxy::LogOptions log = loaded->options.log;
  auto swapped = server_.reload(std::move(loaded->options));
  if (!swapped) {
    std::vector problems{problem_of(std::move(swapped.error().detail), false)};
    publish_problem(problems.front());
    return std::unexpected(std::move(problems));
  }
  for (std::string& later : *swapped) done.warnings.push_back(problem_of(std::move(later), true));
  if (const Status opened = proxy::install_error_log(log); !opened) {
    done.warnings.push_back(problem_of(opened.error().detail + "; the log stays where it was", true));
  }
  done.generation = server_.status().generation;
  publish(EventKind::kReload,
          {{"generation", done.generation}, {"changes", fmt::format("{}", fmt::join(done.changes, "; "))}});
  return done;
}

control::Checked LiveHost::check(std::string_view text) {
  auto loaded = settings_.source.load_text(std::string(text));
  if (!loaded) return {.problems = std::move(loaded.error()), .changes = {}};
  return {.problems = std::move(loaded->problems), .changes = config::diff(*server_.options(), loaded->options)};
}

// While it is there nothing is reloaded: the other process has read the file already.
class LiveHost::UpgradeMark {
 public:
  explicit UpgradeMark(LiveHost& host) : host_(host) { set(true); }
  ~UpgradeMark() { set(false); }
  UpgradeMark(const UpgradeMark&) = delete;
  UpgradeMark& operator=(const UpgradeMark&) = delete;

 private:
  void set(bool on) {
    const std::lock_guard lock(host_.reload_mutex_);
    host_.upgrading_ = on;
  }
  LiveHost& host_;
};

Result<std::int64_t> LiveHost::upgrade() {
  const std::unique_lock lock(upgrade_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return self_error(ErrorKind::kUsage, "an upgrade is under way");
  if (settings_.launcher == nullptr)
    return self_error(ErrorKind::kUsage,
                      fmt::format("no other process can follow this one, because {}; restart it", settings_.alone));
  if (successor_ != 0)
    return self_error(ErrorKind::kUsage, fmt::format("process {} has taken over already", successor_.load()));
  const UpgradeMark mark(*this);
  // What is wrong with the file is told here rather than in the log of a process that ends at once.
  const auto loaded = settings_.source.load_again();
  if (!loaded) {
    const config::Problem& first = loaded.error().front();
    return self_error(ErrorKind::kUsage, fmt::format("{}:{}:{}: {}; this process goes on", first.file, first.line,
                                                     first.column, first.message));
  }
  return hand_over(kUpgradePatience + loaded->options.serve.wait_ready);
}

Result<std::vector<net::InheritedSockets>> LiveHost::sockets_to_leave() {
  RPX_TRY(std::vector<net::InheritedSockets> sockets, server_.sockets_for_successor());
  if (settings_.admin_fd < 0) return sockets;
  net::UniqueFd copy(::fcntl(settings_.admin_fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return self_error(ErrorKind::kIo, errno_text("the socket of [admin]: fcntl", errno));
  net::InheritedSockets& one = sockets.emplace_back();
  one.address = settings_.admin_text;
  one.sockets.push_back(std::move(copy));
  return sockets;
}

Result<std::int64_t> LiveHost::hand_over(Duration patience) {
  RPX_TRY(const std::vector<net::InheritedSockets> sockets, sockets_to_leave());
  RPX_TRY(Successor successor, settings_.launcher->launch(sockets, patience, [this] { return stopping_.load(); }));
  {
    const std::lock_guard lock(end_mutex_);
    if (stopping_) return self_error(ErrorKind::kDraining, "the proxy is stopping; the new process has been ended");
    RPX_TRY_VOID(successor.go_on());
    server_.leave_to_successor();
    successor_ = successor.pid();
  }
  stop(std::nullopt);
  return successor_.load();
}

void LiveHost::give_up_upgrade() {
  const std::lock_guard lock(end_mutex_);
  stopping_ = true;
}

void LiveHost::stop(std::optional<Duration> grace) {
  {
    const std::lock_guard lock(stop_mutex_);
    stop_grace_ = grace;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_fd_, &one, sizeof(one));
}

std::optional<Duration> LiveHost::stop_grace() {
  const std::lock_guard lock(stop_mutex_);
  return stop_grace_;
}

}  // namespace rpx::serve
