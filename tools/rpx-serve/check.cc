#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/result.h"
#include "cache/disk_files.h"
#include "control/message.h"
#include "net/fd.h"
#include "source.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

struct CheckOptions {
  std::string file;
  std::vector<std::string> sets;
  bool strict = false;
};

std::string count_of(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string summary_of(const Source& source, const proxy::SiteOptions& site) {
  return fmt::format("{}: fine: {}, {}, {}\n", source.file() == "-" ? "stdin" : source.file(),
                     count_of(site.listen.size(), "listener"), count_of(site.routes.size(), "route"),
                     count_of(site.upstreams.size(), "upstream"));
}

cli::Cell number_or_nothing(std::uint32_t number) {
  if (number == 0) return std::monostate();
  return std::uint64_t{number};
}

// For other programs: the problems as records, whether there are any or not.
std::string render_records(const std::vector<config::Problem>& problems, cli::Format format) {
  cli::Records records({{"file"}, {"line", true}, {"column", true}, {"message"}, {"warning"}});
  for (const config::Problem& problem : problems) {
    records.add({problem.file, number_or_nothing(problem.line), number_or_nothing(problem.column), problem.message,
                 problem.warning});
  }
  return records.render(format);
}

// What is wrong with the folder of a disk store, as this user sees it; empty when it will do.
std::string complaint_about(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::path folder = path;
  if (!fs::exists(folder, failed)) {
    // It is made when the proxy starts, with what leads to it.
    while (!fs::exists(folder, failed) && folder.has_relative_path()) folder = folder.parent_path();
    if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
    return fmt::format("{} cannot be made: {}", path, errno_text(folder.string(), errno));
  }
  if (!fs::is_directory(folder, failed)) return path + " is no folder";
  const net::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_text(path, errno);
  if (::access(path.c_str(), W_OK | X_OK) != 0)
    return fmt::format("{} cannot be written to: {}", path, errno_text("access", errno));
  std::vector<std::string> foreign;
  if (const auto segments = cache::segments_in(fd.get(), foreign); !segments) return segments.error().detail;
  if (foreign.empty()) return {};
  return fmt::format(
      "{} has files that are no part of a disk store, such as {}: they are left alone, but it should have a "
      "folder of its own",
      path, foreign.front());
}

void look_at_disks(const Source& source, config::Loaded& loaded) {
  for (const cache::CacheOptions& cache : loaded.options.cache) {
    if (!cache.disk) continue;
    const std::string complaint = complaint_about(cache.disk->path);
    if (complaint.empty()) continue;
    loaded.problems.push_back(
        {.file = source.file(), .message = fmt::format("cache.{}.disk: {}", cache.name, complaint), .warning = true});
  }
}

Result<int> check(const CheckOptions& options, cli::Common common) {
  if (!options.file.empty()) {
    if (!common.config.empty()) return self_error(ErrorKind::kUsage, "FILE and -c name the same thing; give one");
    common.config = options.file;
  }
  RPX_TRY(const Source source, Source::from_file(common, options.sets));
  auto loaded = source.load();
  if (loaded) look_at_disks(source, *loaded);
  const std::vector<config::Problem>& problems = loaded ? loaded->problems : loaded.error();
  const bool ok = loaded && (problems.empty() || !options.strict);
  switch (common.format) {
    case cli::Format::kJson:
    case cli::Format::kNdjson:
    case cli::Format::kCsv: cli::write_stdout(render_records(problems, common.format)); break;
    default:
      if (!common.quiet || !ok) print_problems(problems);
      if (ok && !common.quiet) cli::write_stdout(summary_of(source, loaded->options));
  }
  return cli::to_int(ok ? cli::ExitCode::kDone : cli::ExitCode::kUsage);
}

}  // namespace

void add_check(cli::App& app) {
  auto options = std::make_shared<CheckOptions>();
  app.verb("check", "tell what is wrong with a configuration")
      .example("rpx-serve check rpx.toml", "exit status 2 when something is")
      .example("rpx-serve check -o json - < rpx.toml", "for an editor")
      .operand("FILE", &options->file, "what to check; default as with -c")
      .option("--set", "KEY=VALUE", &options->sets, "change one value first, as in serve.workers=2")
      .flag("--strict", options->strict, "warnings are errors")
      .action([options](const cli::Common& common) {
        const Result<int> done = check(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
