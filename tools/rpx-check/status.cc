#include <algorithm>
#include <memory>

#include "base/result.h"
#include "nagios.h"
#include "rpx-serve/ask.h"
#include "servers.h"
#include "verbs.h"

namespace rpx::check {
namespace {

struct StatusOptions {
  std::string upstream;
  bool nagios = false;
};

Result<int> status(const StatusOptions& options, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<ServerRow> rows, ask_servers(proxy, options.upstream));
  if (options.nagios) return report_plugin(rows);
  cli::Records records(
      {{"upstream"}, {"server"}, {"state"}, {"weight", true}, {"active", true}, {"last_check"}, {"why"}});
  for (const ServerRow& row : rows)
    records.add({row.upstream, row.url, row.state, row.weight, row.active, row.last_check, row.why});
  if (!common.quiet)
    cli::write_stdout(
        records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
  const bool down = std::ranges::any_of(rows, [](const ServerRow& row) { return row.state == "down"; });
  return cli::to_int(down ? cli::ExitCode::kFalse : cli::ExitCode::kDone);
}

}  // namespace

void add_status(cli::App& app) {
  auto options = std::make_shared<StatusOptions>();
  app.verb("status", "tell what the running proxy thinks of its servers; exit status 1 when one is down")
      .example("rpx-check status", "all of them")
      .example("rpx-check status --nagios --upstream app", "for a monitoring system")
      .option("--upstream", "NAME", &options->upstream, "only the servers of this upstream")
      .flag("--nagios", options->nagios, "one line with performance data, and a plugin's exit statuses")
      .action([options](const cli::Common& common) {
        const Result<int> done = status(*options, common);
        if (!done && options->nagios) return report_plugin(done.error());
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::check
