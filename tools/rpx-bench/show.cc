#include "show.h"

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "verbs.h"

namespace rpx::bench {

void show(const load::Summary& run, const cli::Common& common) {
  if (common.quiet) return;
  switch (common.resolved_format()) {
    case cli::Format::kJson:
    case cli::Format::kNdjson: cli::write_stdout(load::to_json(run)); return;
    case cli::Format::kCsv: cli::write_stdout(load::to_csv(run)); return;
    case cli::Format::kPlain: cli::write_stdout(load::to_plain(run)); return;
    default: break;
  }
  cli::write_stdout(load::to_text(run, cli::use_color(common.color, cli::stdout_is_terminal())));
}

bool hold(const std::vector<load::Assertion>& assertions, const load::Summary& run, const cli::Common& common) {
  bool all = true;
  for (const load::Assertion& assertion : assertions) {
    const load::Assertion::Outcome outcome = assertion.check(run);
    all = all && outcome.holds;
    if (!outcome.holds)
      cli::write_stderr(fmt::format("{}: failed: {}\n", kTool, outcome.text));
    else if (common.verbose > 0)
      cli::write_stderr(fmt::format("{}: holds: {}\n", kTool, outcome.text));
  }
  return all;
}

int report_unreachable(const Error& error) {
  const bool ours = error.kind == ErrorKind::kUsage || error.kind == ErrorKind::kConfig || error.kind == ErrorKind::kIo;
  return ours ? cli::report_error(kTool, error) : cli::report_error(kTool, cli::ExitCode::kUnreachable, error.detail);
}

}  // namespace rpx::bench
