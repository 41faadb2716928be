#include "config/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include "ask.h"
#include "base/result.h"
#include "file.h"
#include "source.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

struct ConfigOptions {
  std::string file;
  std::vector<std::string> sets;
  bool init = false;
  bool force = false;
  bool running = false;
};

Result<int> write_new(const ConfigOptions& options, const cli::Common& common) {
  const std::string& path = options.file;
  if (path.empty() || path == "-") {
    cli::write_stdout(config::init_file());
    return 0;
  }
  if (!options.force && ::access(path.c_str(), F_OK) == 0) {
    return cli::report_error(kTool, cli::ExitCode::kRefused,
                             fmt::format("{} is there already; pass --force to write over it", path));
  }
  RPX_TRY_VOID(replace_file(path, config::init_file()));
  if (!common.quiet) cli::write_stdout(path + '\n');
  return 0;
}

Result<int> show_running(const cli::Common& common) {
  RPX_TRY(const control::Client proxy, find_proxy(common));
  RPX_TRY(const std::string body, ask(proxy, "GET", "/v1/config"));
  cli::write_stdout(body);
  return 0;
}

Result<int> show(const ConfigOptions& options, cli::Common common) {
  if (!options.file.empty()) common.config = options.file;
  RPX_TRY(const Source source, Source::from_file(common, options.sets));
  const auto loaded = source.load();
  if (!loaded) {
    print_problems(loaded.error());
    return cli::to_int(cli::ExitCode::kUsage);
  }
  if (!common.quiet) print_problems(loaded->problems);
  const bool json = common.format == cli::Format::kJson || common.format == cli::Format::kNdjson;
  cli::write_stdout(json ? config::effective_json(loaded->options) : config::effective_toml(loaded->options));
  return 0;
}

Result<int> run_config(const ConfigOptions& options, const cli::Common& common) {
  if (options.init && options.running) return self_error(ErrorKind::kUsage, "--init and --running exclude each other");
  if (!options.file.empty() && !common.config.empty()) {
    return self_error(ErrorKind::kUsage, "FILE and -c name the same thing; give one");
  }
  if (options.init) return write_new(options, common);
  return options.running ? show_running(common) : show(options, common);
}

}  // namespace

void add_config(cli::App& app) {
  auto options = std::make_shared<ConfigOptions>();
  app.verb("config", "show the effective configuration, or write a first one")
      .example("rpx-serve config", "with every default filled in; -o json for JSON")
      .example("rpx-serve config --init rpx.toml", "a file to begin with, every key with a comment")
      .example("rpx-serve config --running", "what the running proxy has, as JSON")
      .operand("FILE", &options->file, "what to show, default as with -c; with --init what to write, default stdout")
      .option("--set", "KEY=VALUE", &options->sets, "change one value first, as in serve.workers=2")
      .flag("--init", options->init, "write a commented file to begin with")
      .flag("--force", options->force, "with --init: write over a file that is there")
      .flag("--running", options->running, "ask the running proxy")
      .action([options](const cli::Common& common) {
        const Result<int> done = run_config(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
