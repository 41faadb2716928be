#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <memory>

#include "base/result.h"
#include "cache/disk_replay.h"
#include "cache/snapshot.h"
#include "folders.h"
#include "stores.h"
#include "verbs.h"

namespace rpx::cache_tool {
namespace {

struct VerifyOptions {
  std::string path;
  std::string cache;
  bool quick = false;
};

// What is known of one folder or snapshot.
struct Verdict {
  std::string cache;
  std::string path;
  std::string kind;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::uint64_t unused = 0;
  bool in_use = false;
  bool other_version = false;
  std::vector<cache::DiskFault> faults;
};

Result<Verdict> verify_folder(const Folder& folder, bool quick) {
  cache::DiskIndex index;
  RPX_TRY(cache::DiskSurvey survey, cache::survey(folder.path, index, !quick));
  for (const std::string& name : survey.foreign)
    cli::write_stderr(
        fmt::format("{}: {}/{} is no file of a disk store, and is left alone\n", kTool, folder.path, name));
  return Verdict{folder.cache,   folder.path,          "folder",
                 survey.objects, survey.bytes,         survey.unused,
                 survey.locked,  survey.other_version, std::move(survey.faults)};
}

Result<Verdict> verify_snapshot(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return self_error(ErrorKind::kUsage, errno_text(path, errno));
  Verdict out{.path = path, .kind = "snapshot"};
  cache::SnapshotReader reader(true);
  std::string buffer(std::size_t{1} << 20U, '\0');
  for (;;) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto got = static_cast<std::size_t>(in.gcount());
    reader.feed(std::string_view(buffer).substr(0, got));
    out.bytes += got;
    for (;;) {
      const auto object = reader.next();
      if (!object) {
        out.other_version = object.error().kind == ErrorKind::kUsage;
        out.faults.push_back({"", "", object.error().detail});
        return out;
      }
      if (!*object) break;
      ++out.objects;
    }
    if (got == 0) break;
  }
  if (!reader.ended())
    out.faults.push_back({"", "", "it ends before its end"});
  else if (reader.count() != reader.read())
    out.faults.push_back({"", "", fmt::format("it holds {} objects and says {}", reader.read(), reader.count())});
  return out;
}

void tell(const Verdict& verdict) {
  for (const cache::DiskFault& fault : verdict.faults)
    cli::write_stderr(fmt::format("{}: {}{}{}: {}{}\n", kTool, verdict.path, fault.file.empty() ? "" : "/", fault.file,
                                  fault.url.empty() ? "" : fault.url + ": ", fault.what));
}

Result<int> verify(const VerifyOptions& options, const cli::Common& common) {
  std::vector<Verdict> verdicts;
  struct stat facts{};
  if (!options.path.empty() && ::stat(options.path.c_str(), &facts) != 0)
    return self_error(ErrorKind::kUsage,
                      fmt::format("{}; name the folder of a disk store, or a file that rpx-cache export wrote",
                                  errno_text(options.path, errno)));
  if (!options.path.empty() && S_ISREG(facts.st_mode)) {
    RPX_TRY(verdicts.emplace_back(), verify_snapshot(options.path));
  } else if (!options.path.empty()) {
    RPX_TRY(verdicts.emplace_back(), verify_folder({"", options.path}, options.quick));
  } else {
    RPX_TRY(const std::vector<Folder> folders, configured_folders(common, options.cache));
    for (const Folder& folder : folders) {
      RPX_TRY(verdicts.emplace_back(), verify_folder(folder, options.quick));
    }
  }
  cli::Records records({{"cache"},
                        {"path"},
                        {"kind"},
                        {"objects", true},
                        {"bytes", true},
                        {"unused", true},
                        {"in_use"},
                        {"damaged", true}});
  cli::ExitCode code = cli::ExitCode::kDone;
  for (const Verdict& verdict : verdicts) {
    tell(verdict);
    records.add({verdict.cache, verdict.path, verdict.kind, verdict.objects, verdict.bytes, verdict.unused,
                 verdict.in_use, std::uint64_t{verdict.faults.size()}});
    if (!verdict.faults.empty() && code == cli::ExitCode::kDone) code = cli::ExitCode::kFalse;
    if (verdict.other_version) code = cli::ExitCode::kRefused;
  }
  if (!common.quiet)
    cli::write_stdout(
        records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
  return cli::to_int(code);
}

}  // namespace

void add_verify(cli::App& app) {
  auto options = std::make_shared<VerifyOptions>();
  cli::Verb verb = app.verb("verify", "compare all checksums of a disk store or a snapshot; exit status 1 for damage");
  verb.example("rpx-cache verify -c rpx.toml", "the disk stores of a configuration, whether the proxy runs or not")
      .example("rpx-cache verify warm.snapshot", "what export wrote")
      .operand("PATH", &options->path, "a folder or a snapshot; default: the folders in the configuration")
      .flag("--quick", options->quick, "heads alone, bodies are not read")
      .action(action_of(options, verify, kTool));
  add_cache_option(verb, options->cache);
}

}  // namespace rpx::cache_tool
