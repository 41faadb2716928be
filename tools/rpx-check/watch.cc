#include <fmt/format.h>

#include <memory>

#include "base/result.h"
#include "control/json.h"
#include "rpx-serve/ask.h"
#include "rpx-serve/follow.h"
#include "servers.h"
#include "verbs.h"

namespace rpx::check {
namespace {

constexpr const char* kKinds = "server,ejection,reload";
// Home, and what is below cleared line by line, so that a table that stands still does not flicker.
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K\n";
constexpr std::string_view kClearBelow = "\x1b[J";
constexpr std::string_view kClearScreen = "\x1b[2J";

struct WatchOptions {
  std::string upstream;
};

std::string table_of(const std::vector<ServerRow>& rows, bool color) {
  cli::Records records({{"upstream"}, {"server"}, {"state"}, {"weight", true}, {"active", true}, {"why"}});
  for (const ServerRow& row : rows)
    records.add({row.upstream, row.url, row.state, row.weight, row.active, row.why.empty() ? row.last_check : row.why});
  return records.render(cli::Format::kTable, color);
}

void draw(const std::string& table) {
  std::string screen(kHome);
  for (const char c : table) c == '\n' ? screen += kClearLine : screen += c;
  cli::write_stdout(screen + std::string(kClearBelow));
}

// What holds when the watch begins, in the form of the events that follow.
void write_now(const std::vector<ServerRow>& rows) {
  std::string out;
  for (const ServerRow& row : rows) {
    control::Json json;
    json.open_object().member("kind", "now").member("upstream", row.upstream).member("server", row.url);
    json.member("state", row.state).member("why", row.why).close_object();
    out += json.take() + '\n';
  }
  cli::write_stdout(out);
}

std::string line_of(const Poco::JSON::Object& event) {
  if (serve::text_of(event, "kind") == "reload")
    return fmt::format("{}  reload  {}", serve::clock_of(event), serve::text_of(event, "changes"));
  return fmt::format("{}  {:<12}{}  {}  {}", serve::clock_of(event), serve::text_of(event, "state"),
                     serve::text_of(event, "upstream"), serve::text_of(event, "server"), serve::text_of(event, "why"));
}

Result<int> watch_servers(const WatchOptions& options, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  const bool live =
      common.format == cli::Format::kTable || (common.format == cli::Format::kAuto && cli::stdout_is_terminal());
  const bool color = cli::use_color(common.color, cli::stdout_is_terminal());
  if (live && cli::stdout_is_terminal()) cli::write_stdout(kClearScreen);
  const auto look = [&]() -> Status {
    RPX_TRY(const std::vector<ServerRow> rows, ask_servers(proxy, options.upstream));
    if (!live)
      write_now(rows);
    else if (cli::stdout_is_terminal())
      draw(table_of(rows, color));
    else
      cli::write_stdout(table_of(rows, color));
    return {};
  };
  const auto wanted = [&](const Poco::JSON::Object& event) {
    return options.upstream.empty() || !event.has("upstream") || serve::text_of(event, "upstream") == options.upstream;
  };
  return serve::watch(common, {.tool = kTool,
                               .kinds = kKinds,
                               .look = look,
                               .wanted = wanted,
                               .line = line_of,
                               .every_second = live,
                               .quiet_events = live});
}

}  // namespace

void add_watch(cli::App& app) {
  auto options = std::make_shared<WatchOptions>();
  app.verb("watch", "show servers and what becomes of them, live; an event a line as JSON when stdout is no terminal")
      .example("rpx-check watch", "a table that is kept up to date, until Ctrl-C")
      .example("rpx-check watch -o ndjson | jq -r .state", "for a script; survives restarts of the proxy")
      .option("--upstream", "NAME", &options->upstream, "only the servers of this upstream")
      .action([options](const cli::Common& common) {
        const Result<int> done = watch_servers(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::check
