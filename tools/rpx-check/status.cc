#include <algorithm>
#include <memory>

#include "base/result.h"
#include "rpx-serve/ask.h"
#include "servers.h"
#include "verbs.h"

namespace rpx::check {
namespace {

Result<int> status(const std::string& upstream, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<ServerRow> rows, ask_servers(proxy, upstream));
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
  auto upstream = std::make_shared<std::string>();
  app.verb("status", "tell what the running proxy thinks of its servers; exit status 1 when one is down")
      .example("rpx-check status", "all of them")
      .option("--upstream", "NAME", upstream.get(), "only the servers of this upstream")
      .action([upstream](const cli::Common& common) {
        const Result<int> done = status(*upstream, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::check
