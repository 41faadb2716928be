#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "ask.h"
#include "base/result.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

constexpr auto kLook = std::chrono::milliseconds(100);

struct StopOptions {
  std::optional<Duration> grace;
  bool no_wait = false;
};

// A process that is not our child, held so that its number cannot come to mean another one. Where the kernel has no
// such handle, its number has to do.
class Process {
 public:
  explicit Process(pid_t pid)
      : pid_(pid), fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))), gone_(fd_ < 0 && errno == ESRCH) {}
  ~Process() {
    if (fd_ >= 0) ::close(fd_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Waits a moment for its end; true when that has come.
  bool ends_within(std::chrono::milliseconds time) {
    if (gone_) return true;
    pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
    const int count = ::poll(&watched, fd_ >= 0 ? 1 : 0, static_cast<int>(time.count()));
    gone_ = fd_ >= 0 ? count > 0 : ::kill(pid_, 0) != 0 && errno == ESRCH;
    return gone_;
  }

 private:
  pid_t pid_;
  int fd_;
  bool gone_;
};

std::string exchanges_left(const control::Client& proxy) {
  const auto status = ask(proxy, "GET", "/v1/status");
  if (!status) return "stopping";
  const auto object = parse_object(*status);
  return object ? fmt::format("stopping: {} exchanges to finish", number_of(**object, "exchanges")) : "stopping";
}

// 0 when it has ended, 4 when time ran out.
Result<int> wait_for_end(const control::Client& proxy, Process& process, const cli::Common& common) {
  constexpr auto kQuiet = std::chrono::seconds(1);
  const Instant begun = std::chrono::steady_clock::now();
  cli::Progress progress(!common.quiet && !common.no_progress);
  for (;;) {
    const Duration passed = std::chrono::steady_clock::now() - begun;
    auto step = kLook;
    if (common.timeout) {
      if (passed >= *common.timeout) {
        return self_error(ErrorKind::kResponseTimeout,
                          fmt::format("the proxy at {} has not ended within {}; it still finishes what runs",
                                      proxy.path(), format_duration(*common.timeout)));
      }
      step = std::min(step, std::chrono::duration_cast<std::chrono::milliseconds>(*common.timeout - passed) +
                                std::chrono::milliseconds(1));
    }
    if (process.ends_within(step)) return 0;
    if (passed > kQuiet) progress.show(exchanges_left(proxy));
  }
}

Result<int> stop(const StopOptions& options, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, find_proxy(common));
  RPX_TRY(const std::string body, ask(proxy, "GET", "/v1/status"));
  RPX_TRY(const Poco::JSON::Object::Ptr status, parse_object(body));
  Process process(static_cast<pid_t>(number_of(*status, "pid")));
  std::string request;
  if (options.grace) request = fmt::format("{{\"grace\":{}}}", std::chrono::duration<double>(*options.grace).count());
  RPX_TRY_VOID(ask(proxy, "POST", "/v1/stop", request));
  if (options.no_wait) return 0;
  return wait_for_end(proxy, process, common);
}

}  // namespace

void add_stop(cli::App& app) {
  auto options = std::make_shared<StopOptions>();
  app.verb("stop", "let the running proxy finish what it does and end; waits for that")
      .example("rpx-serve stop", "within serve.grace")
      .example("rpx-serve stop --grace 0s", "at once")
      .example("rpx-serve stop --timeout 5s", "exit status 4 when it takes longer")
      .option("--grace", "DURATION", &options->grace, "let requests finish this long; default serve.grace")
      .flag("--no-wait", options->no_wait, "return once the stop has begun")
      .action([options](const cli::Common& common) {
        const Result<int> done = stop(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
