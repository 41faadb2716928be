#include <fmt/format.h>

#include <chrono>

#include "ask.h"
#include "base/result.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

// The proxy knows when it has waited long enough for the new process, which may wait for its checks before it serves.
constexpr Duration kUpgradeWait = std::chrono::hours(1);

Result<int> upgrade(cli::Common common) {
  if (!common.timeout) common.timeout = kUpgradeWait;
  RPX_TRY(const control::Client proxy, find_proxy(common));
  const auto body = ask(proxy, "POST", "/v1/upgrade");
  if (!body && body.error().kind == ErrorKind::kResponseTimeout)
    return self_error(ErrorKind::kResponseTimeout,
                      fmt::format("the upgrade of the proxy at {} is not done within {}; the proxy goes on with it",
                                  proxy.path(), format_duration(*common.timeout)));
  if (!body) return std::unexpected(body.error());
  RPX_TRY(const Poco::JSON::Object::Ptr answer, parse_object(*body));
  if (common.format == cli::Format::kJson || common.format == cli::Format::kNdjson)
    cli::write_stdout(*body);
  else if (!common.quiet)
    cli::write_stdout(fmt::format("process {} serves in the place of {}, which finishes what it has begun\n",
                                  number_of(*answer, "pid"), number_of(*answer, "before")));
  return 0;
}

}  // namespace

void add_upgrade(cli::App& app) {
  app.verb("upgrade",
           "start the program anew in the place of the running proxy, without a moment in which nobody listens")
      .example("make install && rpx-serve upgrade", "from one version to the next")
      .example("rpx-serve upgrade --timeout 5m", "exit status 4 when it takes longer; the proxy goes on with it")
      .action([](const cli::Common& common) {
        const Result<int> done = upgrade(common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
