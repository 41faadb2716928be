// simulate: who of an access log would have been refused.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "base/result.h"
#include "base/text.h"
#include "import.h"
#include "list.h"
#include "policy/block_table.h"
#include "verbs.h"

namespace rpx::block {

namespace {

struct SimulateOptions {
  Place place;
  std::vector<std::string> logs;
  std::vector<std::string> lists;
};

struct Line {
  IpAddress client;
  std::uint16_t status = 0;
};

// The text behind `key` in a line of the JSON access log; it is ours, and plain for addresses and numbers.
std::string_view member_of(std::string_view line, std::string_view key) {
  const auto at = line.find(key);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + key.size());
  if (line.starts_with('"')) line.remove_prefix(1);
  return line.substr(0, line.find_first_of("\",}"));
}

// JSON as rpx-serve writes it, or common and combined, whose status follows the quoted request.
std::optional<Line> parse_log_line(std::string_view line) {
  const bool json = line.starts_with('{');
  const std::string_view client = json ? member_of(line, "\"client\":") : line.substr(0, line.find(' '));
  std::string_view status = json ? member_of(line, "\"status\":") : std::string_view();
  if (!json) {
    // Quotes within the request are escaped, so the second one ends it.
    const auto begin = line.find('"');
    const auto end = begin == std::string_view::npos ? begin : line.find('"', begin + 1);
    if (end == std::string_view::npos || end + 2 > line.size()) return std::nullopt;
    status = line.substr(end + 2);
    status = status.substr(0, status.find(' '));
  }
  const auto ip = IpAddress::parse(client);
  const auto number = parse_uint(status);
  if (!ip || (status != "-" && !number)) return std::nullopt;
  return Line{*ip, static_cast<std::uint16_t>(std::min<std::uint64_t>(number.value_or(0), 999))};
}

// The lists that are tried, or without any what is blocked now.
Result<std::shared_ptr<const policy::BlockTable>> table_of(const SimulateOptions& options, const cli::Common& common) {
  const WallTime now = std::chrono::system_clock::now();
  policy::BlockTable::Builder builder(now);
  if (options.lists.empty()) {
    RPX_TRY(const List list, List::open(options.place, common));
    RPX_TRY(const auto entries, list.entries());
    for (const policy::BlockEntry& entry : entries) builder.add(entry.prefix, entry.until, entry.reason);
  }
  for (const std::string& name : options.lists) {
    if (const auto prefix = IpPrefix::parse(name)) {
      builder.add(*prefix, std::nullopt, "");
      continue;
    }
    RPX_TRY(const std::string text, read_input(name));
    for (const policy::BlockItem& item : import_list(text, now).items)
      builder.add(item.prefix, item.until, item.reason);
  }
  return builder.build({}, 0, nullptr);
}

struct Refused {
  std::string entry;
  std::uint64_t requests = 0;
  std::uint64_t good = 0;
};

struct Simulated {
  std::map<IpAddress, Refused> clients;
  std::uint64_t lines = 0;
  std::uint64_t unread = 0;
};

void simulate_text(std::string_view text, const policy::BlockTable& table, Simulated& out) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    ++out.lines;
    const auto read = parse_log_line(line);
    if (!read) {
      ++out.unread;
      continue;
    }
    if (!table.blocks(read->client)) continue;
    Refused& refused = out.clients[read->client];
    if (refused.entry.empty()) refused.entry = table.find(read->client)->prefix.to_string();
    ++refused.requests;
    if (read->status >= 100 && read->status < 400) ++refused.good;
  }
}

Result<int> simulate(const SimulateOptions& options, const cli::Common& common) {
  RPX_TRY(const auto table, table_of(options, common));
  Simulated result;
  for (const std::string& name : options.logs.empty() ? std::vector<std::string>{"-"} : options.logs) {
    RPX_TRY(const std::string text, read_input(name));
    simulate_text(text, *table, result);
  }
  cli::Records records({{"client"}, {"entry"}, {"requests", true}, {"good", true}});
  std::vector<std::pair<IpAddress, Refused>> rows(result.clients.begin(), result.clients.end());
  std::ranges::sort(rows, std::ranges::greater{}, [](const auto& row) { return row.second.good; });
  std::uint64_t requests = 0;
  std::uint64_t good = 0;
  for (const auto& [client, refused] : rows) {
    records.add({client.to_string(), refused.entry, refused.requests, refused.good});
    requests += refused.requests;
    good += refused.good;
  }
  if (!common.quiet) {
    cli::write_stdout(
        records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
    cli::write_stderr(fmt::format("{}: {} of {} requests of {} clients would be refused; {} of them had been good\n",
                                  kTool, requests, result.lines, rows.size(), good));
    if (result.unread != 0)
      cli::write_stderr(fmt::format("{}: {} lines tell no client or status; left out\n", kTool, result.unread));
  }
  return cli::to_int(good == 0 ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace

void add_simulate(cli::App& app) {
  auto options = std::make_shared<SimulateOptions>();
  cli::Verb verb =
      app.verb("simulate", "tell whom of an access log the list would refuse; exit status 1 for good requests");
  verb.example("rpx-block simulate access.log", "by what is blocked now")
      .example("rpx-block simulate --list feed.txt --list 192.0.2.0/24 access.log", "before these are added")
      .operand("LOG...", &options->logs, "access logs as JSON, common or combined; - for stdin")
      .option("--list", "LIST", &options->lists,
              "a list as import takes it, or a prefix, instead of what is blocked now")
      .action([options](const cli::Common& common) {
        const Result<int> done = simulate(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
  add_place(verb, options->place);
}

}  // namespace rpx::block
