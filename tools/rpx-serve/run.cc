#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/log.h"
#include "base/result.h"
#include "launcher.h"
#include "notify.h"
#include "process.h"
#include "ready.h"
#include "running.h"
#include "source.h"
#include "take_over.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

struct RunOptions {
  std::vector<std::string> listen;
  std::vector<std::string> to;
  std::vector<std::string> sets;
  std::optional<int> ready_fd;
  std::string ready_file;
  std::vector<std::string> command;
  std::string key_log;
  bool die_with_parent = false;
  bool strict = false;
};

Result<Source> source_of(const RunOptions& options, const cli::Common& common) {
  const bool quick = !options.to.empty() || !options.listen.empty();
  if (!quick) return Source::from_file(common, options.sets);
  if (!common.config.empty()) {
    return self_error(ErrorKind::kUsage,
                      "--to and --listen are instead of a file; with -c, change one value with --set");
  }
  if (options.to.empty()) return self_error(ErrorKind::kUsage, "--listen needs --to URL: where should requests go?");
  return Source::from_arguments(options.listen, options.to, options.sets);
}

// Where scripts look first; silent where stdout is spoken for.
void tell_ready(const RunOptions& options, const cli::Common& common, const proxy::LogOptions& log,
                const Ready& ready) {
  const std::string url = first_url(ready);
  log_event(LogLevel::kNotice, "ready", {{"version", RPX_VERSION}, {"url", url}, {"control", ready.control}});
  const bool taken = log.access == "stdout" || options.ready_fd || !options.command.empty();
  if (taken || common.quiet) return;
  if (!cli::stdout_is_terminal()) {
    cli::write_stdout(ready_json(ready) + '\n');
    return;
  }
  for (const proxy::ListenerView& listener : ready.listeners) {
    const std::string one = url_of(listener);
    cli::write_stderr(fmt::format("{}: serving on {}; Ctrl-C stops\n", kTool, one.empty() ? listener.address : one));
  }
}

// Why nobody can follow us; empty = somebody can.
std::string why_alone(const RunOptions& options) {
  if (options.die_with_parent) return "it ends with its parent";
  if (!options.command.empty()) return "it runs a command";
  if (::getpid() == 1) return "it is process 1, with which its container ends";
  return {};
}

// Takes over, where that is what we were started for, and tells those who wait that we serve.
Status announce(const RunOptions& options, Running& running, TakeOver* take_over, ReadyFile& file) {
  if (take_over != nullptr) {
    RPX_TRY_VOID(take_over->finish(running.has_control_aside()));
    running.settle();
  }
  const std::string line = ready_json(running.ready());
  const Status written = options.ready_file.empty() ? Status() : file.write(options.ready_file, line);
  // Whoever has taken over is the only one by now, and goes on without the file.
  if (!written && take_over == nullptr) return written;
  if (!written) log_event(LogLevel::kError, "the ready file cannot be written", {{"why", written.error().detail}});
  // Whoever waited for the descriptor has heard of the first process.
  if (options.ready_fd && take_over == nullptr) RPX_TRY_VOID(write_ready_fd(*options.ready_fd, line));
  notify("READY=1");
  return {};
}

Result<int> run(const RunOptions& options, const cli::Common& common) {
  const pid_t parent = ::getppid();
  if (options.die_with_parent) RPX_TRY_VOID(die_with_parent(parent));
  RPX_TRY(const Signals signals, Signals::open());
  RPX_TRY(const std::unique_ptr<TakeOver> take_over, TakeOver::begin());
  const std::string alone = why_alone(options);
  std::unique_ptr<Launcher> launcher;
  if (alone.empty()) {
    RPX_TRY(launcher, Launcher::start());
  }
  open_notify();
  RPX_TRY_VOID(take_inherited());
  raise_file_limit();
  RPX_TRY(const Source source, source_of(options, common));
  auto loaded = source.load();
  if (!loaded) {
    print_problems(loaded.error());
    return cli::to_int(cli::ExitCode::kUsage);
  }
  if (!common.quiet || options.strict) print_problems(loaded->problems);
  if (options.strict && !loaded->problems.empty()) return cli::to_int(cli::ExitCode::kUsage);

  if (!options.key_log.empty()) loaded->options.tls.key_log = std::filesystem::absolute(options.key_log).string();
  const proxy::LogOptions log = loaded->options.log;
  const Duration wait_ready = loaded->options.serve.wait_ready;
  RPX_TRY(const auto running,
          Running::start(
              *std::move(loaded),
              {.source = source,
               .common = common,
               .strict = options.strict,
               .has_command = !options.command.empty(),
               .ready_file = options.ready_file.empty() ? "" : std::filesystem::absolute(options.ready_file).string(),
               .die_with = options.die_with_parent ? parent : 0,
               .launcher = launcher.get(),
               .alone = alone,
               .control_before = take_over ? take_over->control() : ""}));
  if (wait_ready > Duration::zero()) running->await_checks(signals, wait_ready);
  ReadyFile ready_file;
  RPX_TRY_VOID(announce(options, *running, take_over.get(), ready_file));
  tell_ready(options, common, log, running->ready());
  give_back_code();
  std::optional<Command> command;
  if (!options.command.empty()) {
    auto started = Command::start(options.command, ready_environment(running->ready()));
    if (!started) {
      cli::report_error(kTool, started.error());
      return kCannotStart;
    }
    command.emplace(*std::move(started));
  }
  const int code = running->wait(signals, std::move(command));
  if (running->has_successor()) ready_file.leave();
  return code;
}

}  // namespace

void add_run(cli::App& app) {
  auto options = std::make_shared<RunOptions>();
  app.verb("run", "serve until told to stop; what happens without a verb")
      .example("rpx-serve -c rpx.toml", "serve a file")
      .example("rpx-serve --to http://127.0.0.1:3000 --listen :8080", "without a file")
      .example("rpx-serve --to http://127.0.0.1:3000 --exec ./test.sh", "beside a command, which finds $RPX_URL")
      .option("--listen", "ADDR", &options->listen, "listen here, without a file; default a free port of 127.0.0.1")
      .option("--to", "URL", &options->to, "a server to hand requests to, without a file; may be repeated")
      .option("--set", "KEY=VALUE", &options->sets, "change one value of the configuration, as in serve.workers=2")
      .option("--ready-fd", "N", &options->ready_fd, "write the ready line to this descriptor instead of stdout")
      .option("--ready-file", "PATH", &options->ready_file, "write it to this file, which is removed at the end")
      .option("--keylog", "FILE", &options->key_log,
              "append the secrets of TLS connections, to read recordings of them")
      .flag("--die-with-parent", options->die_with_parent, "stop when the process that started this one ends")
      .flag("--strict", options->strict, "warnings of the configuration are errors")
      .command(options->command, "run this beside the proxy, then stop and exit as it did; also after --")
      .action([options](const cli::Common& common) {
        const Result<int> done = run(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
