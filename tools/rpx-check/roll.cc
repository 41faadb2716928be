// One server after the other is drained, worked on by a command, found well again and brought back.
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "base/result.h"
#include "change.h"
#include "probing.h"
#include "rpx-serve/ask.h"
#include "verbs.h"

namespace rpx::check {
namespace {

// How long each wait lasts where nobody says: for a server to finish, and for it to be well again.
constexpr Duration kPatience = std::chrono::minutes(1);

struct RollOptions {
  std::string upstream;
  std::vector<std::string> servers;
  std::vector<std::string> command;
};

// A server, in every upstream that has it.
struct Stop {
  std::string url;
  std::vector<ServerRow> rows;
};

std::string address_of(const std::string& url) {
  const std::size_t begin = url.find("://");
  return begin == std::string::npos ? url : url.substr(begin + 3);
}

std::vector<Stop> stops_of(const std::vector<ServerRow>& rows) {
  std::vector<Stop> out;
  for (const ServerRow& row : rows) {
    const auto known = std::ranges::find(out, row.url, &Stop::url);
    if (known == out.end())
      out.push_back({row.url, {row}});
    else
      known->rows.push_back(row);
  }
  return out;
}

Result<std::vector<Stop>> plan(const control::Client& proxy, const RollOptions& options) {
  RPX_TRY(std::vector<ServerRow> rows, ask_servers(proxy, options.upstream));
  if (options.servers.empty()) {
    // Who is out already is somebody else's work, and not ours to bring back.
    std::erase_if(rows, [](const ServerRow& row) { return row.state == "drain" || row.state == "maint"; });
    if (rows.empty())
      return self_error(ErrorKind::kUsage, fmt::format("every server of \"{}\" is out already", options.upstream));
    return stops_of(rows);
  }
  std::vector<ServerRow> chosen;
  for (const std::string& name : options.servers) {
    RPX_TRY(const std::vector<ServerRow> found, find_servers(rows, name));
    chosen.insert(chosen.end(), found.begin(), found.end());
  }
  return stops_of(chosen);
}

Result<int> set_state(const control::Client& proxy, const Stop& stop, std::string_view state) {
  for (const ServerRow& row : stop.rows) {
    RPX_TRY(const int code, change_server(proxy, row, fmt::format(R"({{"state":"{}"}})", state)));
    if (code != 0) return code;
  }
  return 0;
}

// Runs the command for `stop` and waits for its end: its exit status, 128+n when signal n ended it.
Result<int> run_command(const std::vector<std::string>& command, const Stop& stop) {
  const std::string address = address_of(stop.url);
  std::vector<std::string> words = command;
  for (std::string& word : words)
    if (word == "{}") word = address;
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  setenv("RPX_SERVER", stop.url.c_str(), 1);
  setenv("RPX_SERVER_ADDRESS", address.c_str(), 1);
  setenv("RPX_UPSTREAM", stop.rows.front().upstream.c_str(), 1);
  pid_t pid = 0;
  if (const int failed = posix_spawnp(&pid, argv.front(), nullptr, nullptr, argv.data(), environ); failed != 0)
    return self_error(ErrorKind::kUsage, fmt::format("cannot run {}: {}", words.front(), std::strerror(failed)));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return self_error(ErrorKind::kInternal, fmt::format("waitpid: {}", std::strerror(errno)));
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Result<std::vector<ServerRow>> look_at(const control::Client& proxy, const Stop& stop) {
  RPX_TRY(std::vector<ServerRow> rows, ask_servers(proxy, ""));
  std::erase_if(rows, [&stop](const ServerRow& row) {
    return std::ranges::none_of(
        stop.rows, [&row](const ServerRow& one) { return one.url == row.url && one.upstream == row.upstream; });
  });
  if (rows.empty())
    return self_error(ErrorKind::kUsage, fmt::format("the proxy has no server \"{}\" any more", stop.url));
  return rows;
}

// Whether the proxy's own checks have found the server well since the rows `before`. The first check after those may
// have begun before the command ended.
bool well_since(const std::vector<ServerRow>& before, const std::vector<ServerRow>& now) {
  return std::ranges::all_of(now, [&before](const ServerRow& row) {
    if (!row.checked) return true;
    const auto then =
        std::ranges::find_if(before, [&row](const ServerRow& one) { return one.upstream == row.upstream; });
    if (then == before.end()) return true;
    return row.healthy && row.checks >= then->checks + 2 && row.failed - then->failed < row.checks - then->checks - 1;
  });
}

bool takes_connections(const Stop& stop) {
  Subject subject{"", stop.url, {}};
  subject.check.tcp = true;
  return probe_all({subject}).front().good;
}

// Returns once the server takes connections and the proxy's checks, where there are any, have found it well.
Status wait_until_well(const control::Client& proxy, const Stop& stop, Duration patience, const cli::Common& common) {
  const Instant until = deadline_after(std::chrono::steady_clock::now(), patience);
  cli::Progress progress(!common.quiet && !common.no_progress);
  RPX_TRY(const std::vector<ServerRow> before, look_at(proxy, stop));
  for (;;) {
    const bool open = takes_connections(stop);
    RPX_TRY(const std::vector<ServerRow> now, look_at(proxy, stop));
    if (open && well_since(before, now)) return {};
    const std::string so_far =
        open ? fmt::format("the last check: {}", now.front().last_check) : std::string("it takes no connection");
    if (std::chrono::steady_clock::now() + kLook > until)
      return self_error(ErrorKind::kResponseTimeout,
                        fmt::format("{} did not come back in time ({}) and is left draining: mend it, then rpx-check "
                                    "ready {}",
                                    stop.url, so_far, stop.url));
    progress.show(fmt::format("{}: waiting for it to be well, {}", stop.url, so_far));
    pause();
  }
}

Result<int> roll_one(const control::Client& proxy, const Stop& stop, const RollOptions& options,
                     const cli::Common& common) {
  const Duration patience = common.timeout.value_or(kPatience);
  RPX_TRY(const int refused, set_state(proxy, stop, "drain"));
  if (refused != 0) {
    // Of another upstream it may have been taken out already.
    RPX_TRY([[maybe_unused]] const int back, set_state(proxy, stop, "ready"));
    return refused;
  }
  if (Status idle = wait_for_idle(proxy, stop.rows, patience, common); !idle) {
    // Nothing was done to it yet.
    RPX_TRY([[maybe_unused]] const int back, set_state(proxy, stop, "ready"));
    Error error = std::move(idle).error();
    error.detail = fmt::format("{}: {}; it is ready again", stop.url, error.detail);
    return std::unexpected(std::move(error));
  }
  RPX_TRY(const int ended, run_command(options.command, stop));
  if (ended != 0)
    return cli::report_error(kTool, cli::ExitCode::kFalse,
                             fmt::format("{} ended with {} for {}, which is left draining: mend it, then rpx-check "
                                         "ready {}",
                                         options.command.front(), ended, stop.url, stop.url));
  RPX_TRY_VOID(wait_until_well(proxy, stop, patience, common));
  return set_state(proxy, stop, "ready");
}

Result<int> roll(const RollOptions& options, const cli::Common& common) {
  if (options.command.empty())
    return self_error(ErrorKind::kUsage, "a command is needed after --, such as: rpx-check roll -- ./restart.sh {}");
  if (options.upstream.empty() && options.servers.empty())
    return self_error(ErrorKind::kUsage, "name the servers to work on, or pass --upstream NAME for all of it");
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<Stop> stops, plan(proxy, options));
  for (const Stop& stop : stops) {
    const auto begun = std::chrono::steady_clock::now();
    RPX_TRY(const int code, roll_one(proxy, stop, options, common));
    if (code != 0) return code;
    const auto took = std::chrono::round<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
    if (!common.quiet) cli::write_stdout(fmt::format("{} is back after {}\n", stop.url, format_duration(took)));
  }
  return 0;
}

}  // namespace

void add_roll(cli::App& app) {
  auto options = std::make_shared<RollOptions>();
  app.verb("roll", "drain servers one after the other, run a command for each, and bring it back when it is well")
      .example("rpx-check roll --upstream app -- ./restart.sh {}", "{} is its host:port; stops at the first failure")
      .example("rpx-check roll 10.0.0.11:8080 -- ssh app1 systemctl restart app", "one server")
      .option("--upstream", "NAME", &options->upstream, "all servers of this upstream, or those named of it")
      .operand("SERVER...", &options->servers, "URLs, or what follows their //")
      .command(options->command, "what to run, with RPX_SERVER, RPX_SERVER_ADDRESS and RPX_UPSTREAM in its environment")
      .action([options](const cli::Common& common) {
        const Result<int> done = roll(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::check
