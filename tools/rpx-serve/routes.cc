#include <fmt/format.h>

#include "ask.h"
#include "base/result.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

using Object = Poco::JSON::Object;

std::string joined(const Object& route, const std::string& member) {
  return fmt::format("{}", fmt::join(texts_of(route, member), ","));
}

cli::Cell text_or_nothing(std::string text) {
  if (text.empty()) return std::monostate();
  return text;
}

Result<int> routes(const cli::Common& common) {
  RPX_TRY(const control::Client proxy, find_proxy(common));
  RPX_TRY(const auto items, ask_list(proxy, "/v1/routes"));
  const cli::Format format = common.resolved_format();
  if (format == cli::Format::kJson || format == cli::Format::kNdjson) {
    cli::write_stdout(to_json(items, format == cli::Format::kNdjson));
    return 0;
  }
  cli::Records records({{"name"}, {"host"}, {"path"}, {"methods"}, {"action"}, {"to"}, {"status", true}});
  for (const Object::Ptr& route : items) {
    const std::uint64_t status = number_of(*route, "status");
    records.add({text_of(*route, "name"), text_or_nothing(joined(*route, "host")), text_of(*route, "path"),
                 text_or_nothing(joined(*route, "methods")), text_of(*route, "action"),
                 text_or_nothing(text_of(*route, "to")), status == 0 ? cli::Cell() : cli::Cell(status)});
  }
  cli::write_stdout(records.render(format, cli::use_color(common.color, cli::stdout_is_terminal())));
  return 0;
}

}  // namespace

void add_routes(cli::App& app) {
  app.verb("routes", "list the routes of the running proxy")
      .example("rpx-serve routes", "in the order of the file")
      .example("rpx-serve routes -o json | jq '.[].path'", "one field of each")
      .action([](const cli::Common& common) {
        const Result<int> done = routes(common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
