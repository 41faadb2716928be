#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/result.h"
#include "change.h"
#include "probing.h"
#include "rpx-serve/ask.h"
#include "servers.h"
#include "verbs.h"

namespace rpx::check {
namespace {

struct WhyOptions {
  std::string upstream;
  std::vector<std::string> servers;
};

using Object = Poco::JSON::Object;

cli::Cell text_cell(const Object& object, const std::string& member) {
  std::string text = serve::text_of(object, member);
  return text.empty() ? cli::Cell() : cli::Cell(std::move(text));
}

cli::Cell milliseconds_cell(const Object& object, const std::string& member) {
  return object.optValue<double>(member, 0) * 1000;
}

// A change or a check, as one line of the time line.
std::vector<cli::Cell> row_of(const ServerRow& server, const Object& item, bool is_change) {
  if (is_change)
    return {serve::text_of(item, "time"),
            server.upstream,
            server.url,
            "change",
            serve::text_of(item, "state"),
            text_cell(item, "why"),
            {},
            {},
            {},
            {}};
  return {serve::text_of(item, "time"),
          server.upstream,
          server.url,
          "check",
          item.optValue<bool>("good", false) ? "good" : "bad",
          text_cell(item, "why"),
          milliseconds_cell(item, "connect_s"),
          milliseconds_cell(item, "first_byte_s"),
          milliseconds_cell(item, "took_s"),
          text_cell(item, "first_bytes")};
}

// RFC 3339 in UTC sorts as text.
Status add_history(const control::Client& proxy, const ServerRow& server, std::vector<std::vector<cli::Cell>>& lines) {
  const std::string target = server_target(server) + "/history";
  RPX_TRY(const std::string body, serve::ask(proxy, "GET", target));
  RPX_TRY(const Object::Ptr history, serve::parse_object(body));
  std::vector<std::vector<cli::Cell>> own;
  for (const char* name : {"changes", "checks"}) {
    const auto list = history->getArray(name);
    for (std::size_t i = 0; !list.isNull() && i < list->size(); ++i)
      own.push_back(row_of(server, *list->getObject(static_cast<unsigned>(i)), std::string_view(name) == "changes"));
  }
  std::ranges::sort(own, {}, [](const auto& line) { return std::get<std::string>(line.front()); });
  std::ranges::move(own, std::back_inserter(lines));
  return {};
}

Result<int> why(const WhyOptions& options, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<ServerRow> rows, ask_servers(proxy, options.upstream));
  std::vector<ServerRow> asked;
  for (const std::string& name : options.servers) {
    RPX_TRY(const std::vector<ServerRow> found, find_servers(rows, name));
    asked.insert(asked.end(), found.begin(), found.end());
  }
  std::vector<std::vector<cli::Cell>> lines;
  for (const ServerRow& row : asked) {
    RPX_TRY_VOID(add_history(proxy, row, lines));
    if (!common.quiet)
      cli::write_stderr(fmt::format("{}: {} of {} is {}{}{}\n", kTool, row.url, row.upstream, row.state,
                                    row.why.empty() ? "" : ": ", row.why));
  }
  cli::Records records({{"time"},
                        {"upstream"},
                        {"server"},
                        {"what"},
                        {"state"},
                        {"why"},
                        {"connect_ms", true},
                        {"reply_ms", true},
                        {"total_ms", true},
                        {"first_bytes"}});
  for (auto& line : lines) records.add(std::move(line));
  cli::write_stdout(records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
  const bool all_up = std::ranges::all_of(asked, [](const ServerRow& row) { return row.state == "up"; });
  return cli::to_int(all_up ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace

void add_why(cli::App& app) {
  auto options = std::make_shared<WhyOptions>();
  app.verb("why", "tell how servers came to be as they are: changes and last checks in time; exit status 1 if not up")
      .example("rpx-check why http://10.0.0.11:8080", "with the time of each phase, and what it said first")
      .option("--upstream", "NAME", &options->upstream, "only as a server of this upstream; default all that have it")
      .operand("SERVER...", &options->servers, "URLs, or what follows their //", true)
      .action([options](const cli::Common& common) {
        const Result<int> done = why(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::check
