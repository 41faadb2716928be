#include <fmt/format.h>

#include "ask.h"
#include "base/result.h"
#include "source.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

std::string changes_text(const Poco::JSON::Object& answer) {
  const std::vector<std::string> changes = texts_of(answer, "changes");
  if (changes.empty()) return "nothing had changed\n";
  return fmt::format("{}\n", fmt::join(changes, "\n"));
}

Result<int> reload(const cli::Common& common) {
  RPX_TRY(const control::Client proxy, find_proxy(common));
  RPX_TRY(const control::Answer answer, proxy.ask("POST", "/v1/reload"));
  const bool json = common.format == cli::Format::kJson || common.format == cli::Format::kNdjson;
  if (json && (answer.status == 200 || answer.status == 422)) cli::write_stdout(answer.body);
  RPX_TRY(const Poco::JSON::Object::Ptr object, parse_object(answer.body));
  if (answer.status == 422) {
    if (!json) print_problems(problems_of(*object, "problems"));
    return cli::report_error(kTool, cli::ExitCode::kUsage, "reload refused; the running configuration stays");
  }
  if (answer.status != 200) {
    return self_error(ErrorKind::kInternal, fmt::format("reload refused: {}", text_of(*object, "detail")));
  }
  if (!json) {
    print_problems(problems_of(*object, "warnings"));
    if (!common.quiet) cli::write_stdout(changes_text(*object));
  }
  return 0;
}

}  // namespace

void add_reload(cli::App& app) {
  app.verb("reload", "make the running proxy read its configuration again")
      .example("rpx-serve reload", "prints what changed; exit status 2 when it was refused")
      .action([](const cli::Common& common) {
        const Result<int> done = reload(common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
