#include <memory>

#include "base/result.h"
#include "load/summary.h"
#include "options.h"
#include "show.h"
#include "target.h"
#include "verbs.h"

namespace rpx::bench {
namespace {

struct MergeOptions {
  std::vector<std::string> files;
  std::vector<std::string> asserts;
};

Result<int> merge_files(const MergeOptions& options, const cli::Common& common) {
  RPX_TRY(const std::vector<load::Assertion> assertions, parse_assertions(options.asserts));
  std::vector<load::Summary> runs;
  for (const std::string& path : options.files) {
    RPX_TRY(const std::string text, read_input(path));
    RPX_TRY(load::Summary run, load::from_json(text, path));
    runs.push_back(std::move(run));
  }
  const load::Summary all = load::merge(runs);
  show(all, common);
  return cli::to_int(hold(assertions, all, common) ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace

void add_merge(cli::App& app) {
  auto options = std::make_shared<MergeOptions>();
  app.verb("merge", "make one result of several that were saved, percentiles included")
      .example("rpx-bench merge a.json b.json", "two machines that put load on the same server at the same time")
      .option("--assert", "CONDITION", &options->asserts, "as for run")
      .operand("FILE...", &options->files, "results as JSON; - is stdin", true)
      .action([options](const cli::Common& common) {
        const Result<int> done = merge_files(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::bench
