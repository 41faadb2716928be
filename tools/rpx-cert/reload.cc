#include <fmt/format.h>

#include "base/result.h"
#include "cli/terminal.h"
#include "rpx-serve/ask.h"
#include "rpx-serve/source.h"
#include "verbs.h"

namespace rpx::cert {
namespace {

// Certificates are read with the rest of the configuration: nothing is cut, and the next handshake has the new ones.
Result<int> reload(const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const control::Answer answer, proxy.ask("POST", "/v1/reload"));
  RPX_TRY(const Poco::JSON::Object::Ptr object, serve::parse_object(answer.body));
  if (answer.status == 422) {
    serve::print_problems(serve::problems_of(*object, "problems"));
    return cli::report_error(kTool, cli::ExitCode::kUsage, "reload refused; the running certificates stay");
  }
  if (answer.status != 200)
    return self_error(ErrorKind::kInternal, fmt::format("reload refused: {}", serve::text_of(*object, "detail")));
  // A certificate that cannot be served is a warning: the others are.
  const bool all_good = !serve::print_problems(serve::problems_of(*object, "warnings")) &&
                        serve::problems_of(*object, "warnings").empty();
  return cli::to_int(all_good ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace

void add_reload(cli::App& app) {
  app.verb("reload", "make the running proxy read its certificates again, with the rest of its configuration")
      .example("rpx-cert reload", "exit status 1 when one of them cannot be served, 2 when the reload was refused")
      .action([](const cli::Common& common) {
        const Result<int> done = reload(common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::cert
