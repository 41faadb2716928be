#include <fmt/format.h>

#include <memory>

#include "ask.h"
#include "base/result.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

using Object = Poco::JSON::Object;

struct MaintenanceWanted {
  std::vector<std::string> what;  // ROUTE [on|off], or nothing
};

Result<std::string> read_or_change(const control::Client& proxy, const MaintenanceWanted& wanted) {
  const std::string path = "/v1/maintenance/" + control::encoded_segment(wanted.what.front());
  if (wanted.what.size() == 1) return ask(proxy, "GET", path);
  const std::string& way = wanted.what[1];
  if (way != "on" && way != "off")
    return self_error(ErrorKind::kUsage, fmt::format("\"{}\": expected on or off behind the route", way));
  return ask(proxy, "PUT", path, way == "on" ? R"({"enabled":true})" : R"({"enabled":false})");
}

// Exit status 1 where one route was asked about, and it is not being worked on.
Result<int> maintenance(const MaintenanceWanted& wanted, const cli::Common& common) {
  if (wanted.what.size() > 2) return self_error(ErrorKind::kUsage, "one route, and on or off");
  RPX_TRY(const control::Client proxy, find_proxy(common));
  std::vector<Object::Ptr> items;
  if (wanted.what.empty()) {
    RPX_TRY(items, ask_list(proxy, "/v1/maintenance"));
  } else {
    RPX_TRY(const std::string body, read_or_change(proxy, wanted));
    RPX_TRY(items.emplace_back(), parse_object(body));
  }
  cli::Records records({{"route"}, {"enabled"}, {"configured"}, {"status", true}});
  for (const Object::Ptr& one : items)
    records.add({text_of(*one, "route"), text_of(*one, "enabled") == "true", text_of(*one, "configured") == "true",
                 number_of(*one, "status")});
  if (!common.quiet)
    cli::write_stdout(
        records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
  const bool off = wanted.what.size() == 1 && text_of(*items.front(), "enabled") != "true";
  return cli::to_int(off ? cli::ExitCode::kFalse : cli::ExitCode::kDone);
}

}  // namespace

void add_maintenance(cli::App& app) {
  auto wanted = std::make_shared<MaintenanceWanted>();
  app.verb("maintenance", "take a route of the running proxy out of service, or back; or tell which are out")
      .example("rpx-serve maintenance shop on", "its page and Retry-After, but for those in its allow list")
      .example("rpx-serve maintenance shop", "exit status 1 when it is not on")
      .operand("ROUTE...", &wanted->what, "a route, then on or off; without a route, all of them")
      .action([wanted](const cli::Common& common) {
        const Result<int> done = maintenance(*wanted, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
