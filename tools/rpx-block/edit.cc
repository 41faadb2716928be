#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "base/result.h"
#include "import.h"
#include "list.h"
#include "verbs.h"

namespace rpx::block {

namespace {

struct EditOptions {
  Place place;
  std::vector<std::string> prefixes;
  std::vector<std::string> from;
  std::optional<Duration> span;
  std::string reason;
  bool force = false;
};

Result<std::vector<IpPrefix>> parse_prefixes(const std::vector<std::string>& texts) {
  std::vector<IpPrefix> out;
  for (const std::string& text : texts) {
    const auto prefix = IpPrefix::parse(text);
    if (!prefix) return self_error(ErrorKind::kUsage, fmt::format("\"{}\" is no address and no prefix", text));
    out.push_back(*prefix);
  }
  return out;
}

std::optional<WallTime> end_of(const EditOptions& options) {
  if (!options.span) return std::nullopt;
  return std::chrono::system_clock::now() + std::chrono::duration_cast<WallTime::duration>(*options.span);
}

Result<int> add_items(const EditOptions& options, std::vector<policy::BlockItem> items, const cli::Common& common) {
  RPX_TRY(const List list, List::open(options.place, common));
  const std::string locked = options.force ? "" : list.lockout(items);
  if (!locked.empty())
    return cli::report_error(kTool, cli::ExitCode::kRefused,
                             fmt::format("nothing was added: {}; --force adds it all the same", locked));
  RPX_TRY(const policy::BlockOutcome done, list.edit({.add = std::move(items), .del = {}}));
  if (!common.quiet) cli::write_stderr(fmt::format("{}: {} added, {} changed\n", kTool, done.added, done.changed));
  return 0;
}

Result<int> add(const EditOptions& options, const cli::Common& common) {
  if (const Status fine = policy::check_block_reason(options.reason); !fine)
    return self_error(ErrorKind::kUsage, fine.error().detail);
  if (options.span && *options.span <= Duration::zero()) return self_error(ErrorKind::kUsage, "--for needs some time");
  RPX_TRY(const std::vector<IpPrefix> prefixes, parse_prefixes(options.prefixes));
  std::vector<policy::BlockItem> items;
  for (const IpPrefix& prefix : prefixes) items.push_back({prefix, end_of(options), options.reason});
  return add_items(options, std::move(items), common);
}

Result<int> del(const EditOptions& options, const cli::Common& common) {
  RPX_TRY(std::vector<IpPrefix> prefixes, parse_prefixes(options.prefixes));
  RPX_TRY(const List list, List::open(options.place, common));
  RPX_TRY(const policy::BlockOutcome done, list.edit({.add = {}, .del = prefixes}));
  for (const IpPrefix& prefix : done.missing)
    cli::write_stderr(fmt::format("{}: there was no entry {}\n", kTool, prefix.to_string()));
  for (const IpPrefix& prefix : prefixes) {
    if (prefix.bits != (prefix.address.is_v4() ? 32 : 128)) continue;
    RPX_TRY(const auto still, list.find(prefix.address));
    if (still)
      cli::write_stderr(
          fmt::format("{}: {} is still blocked by {}\n", kTool, prefix.address.to_string(), still->prefix.to_string()));
  }
  if (!common.quiet) cli::write_stderr(fmt::format("{}: {} deleted\n", kTool, done.deleted));
  return 0;
}

Result<int> import(const EditOptions& options, const cli::Common& common) {
  if (const Status fine = policy::check_block_reason(options.reason); !fine)
    return self_error(ErrorKind::kUsage, fine.error().detail);
  std::vector<policy::BlockItem> items;
  for (const std::string& name : options.from.empty() ? std::vector<std::string>{"-"} : options.from) {
    RPX_TRY(const std::string text, read_input(name));
    Imported read = import_list(text, std::chrono::system_clock::now());
    for (const policy::BadBlockLine& bad : read.bad)
      cli::write_stderr(fmt::format("{}: {}:{}: {}; left out\n", kTool, name, bad.line, bad.why));
    for (policy::BlockItem& item : read.items) {
      if (options.span) item.until = end_of(options);
      if (!options.reason.empty()) item.reason = options.reason;
      items.push_back(std::move(item));
    }
  }
  return add_items(options, std::move(items), common);
}

template <Result<int> (*Run)(const EditOptions&, const cli::Common&)>
auto action_of(const std::shared_ptr<EditOptions>& options) {
  return [options](const cli::Common& common) {
    const Result<int> done = Run(*options, common);
    return done ? *done : cli::report_error(kTool, done.error());
  };
}

}  // namespace

void add_add(cli::App& app) {
  auto options = std::make_shared<EditOptions>();
  cli::Verb verb = app.verb("add", "block addresses or prefixes");
  verb.example("rpx-block add 192.0.2.0/24 --for 1h --reason \"too many logins\"", "an entry that ends by itself")
      .operand("CIDR", &options->prefixes, "addresses or prefixes", true)
      .option("--for", "DURATION", &options->span, "for this long, as in 10m or 7d; without it, for good")
      .option("--reason", "TEXT", &options->reason, "why; it stands in the file")
      .flag("--force", options->force, "also when that locks out loopback, yourself, a trusted proxy or a server")
      .action(action_of<add>(options));
  add_place(verb, options->place);
}

void add_del(cli::App& app) {
  auto options = std::make_shared<EditOptions>();
  cli::Verb verb = app.verb("del", "take entries out again");
  verb.example("rpx-block del 192.0.2.0/24", "just this entry; narrower and wider ones stay")
      .operand("CIDR", &options->prefixes, "entries as they were added", true)
      .action(action_of<del>(options));
  add_place(verb, options->place);
}

void add_import(cli::App& app) {
  auto options = std::make_shared<EditOptions>();
  cli::Verb verb = app.verb("import", "add all entries of a list");
  verb.example("curl -s https://lists.example/drop.txt | rpx-block import --for 1d --reason drop", "from a feed")
      .operand("LIST", &options->from, "files, or - for stdin: lines, CSV, JSON, ipset save or nft list")
      .option("--for", "DURATION", &options->span, "instead of the ends the list gives")
      .option("--reason", "TEXT", &options->reason, "instead of the reasons the list gives")
      .flag("--force", options->force, "also when that locks out loopback, yourself, a trusted proxy or a server")
      .action(action_of<import>(options));
  add_place(verb, options->place);
}

}  // namespace rpx::block
