#include <fmt/format.h>

#include "base/result.h"
#include "cli/terminal.h"
#include "rpx-serve/ask.h"
#include "rpx-serve/source.h"
#include "verbs.h"

namespace rpx::cert {
namespace {

// The files of certificates alone, not the configuration: nothing is cut, and the next handshake has the new ones.
Result<int> reload(const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const control::Answer answer, proxy.ask("POST", "/v1/certificates/reload"));
  RPX_TRY(const Poco::JSON::Object::Ptr object, serve::parse_object(answer.body));
  if (answer.status != 200)
    return cli::report_error(kTool, cli::ExitCode::kUsage,
                             fmt::format("the running certificates stay: {}", serve::text_of(*object, "detail")));
  if (common.format == cli::Format::kJson || common.format == cli::Format::kNdjson)
    cli::write_stdout(answer.body + "\n");
  const auto problems = object->getArray("problems");
  for (std::size_t i = 0; !problems.isNull() && i < problems->size(); ++i) {
    const auto problem = problems->getObject(static_cast<unsigned>(i));
    const bool served = serve::text_of(*problem, "served") == "true";
    cli::report_error(kTool, cli::ExitCode::kFalse,
                      fmt::format("{}; {}", serve::text_of(*problem, "problem"),
                                  served ? "what it held before is served" : "its names are not served"));
  }
  return cli::to_int(serve::number_of(*object, "bad") == 0 ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace

void add_reload(cli::App& app) {
  app.verb("reload", "make the running proxy read the files of its certificates again")
      .example("rpx-cert reload", "exit status 1 when one of them cannot be used")
      .action([](const cli::Common& common) {
        const Result<int> done = reload(common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::cert
