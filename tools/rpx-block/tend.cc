#include <fmt/format.h>

#include <chrono>
#include <map>
#include <memory>

#include "base/result.h"
#include "list.h"
#include "policy/block_journal.h"
#include "verbs.h"

namespace rpx::block {

namespace {

struct TendOptions {
  Place place;
  bool yes = false;
};

// These change what stands in the files, not whom they block: a proxy reads them again by itself.
Result<List> open_files(const TendOptions& options, const cli::Common& common) {
  RPX_TRY(List list, List::open({options.place.file, true}, common));
  return list;
}

Result<int> prune(const TendOptions& options, const cli::Common& common) {
  RPX_TRY(const List list, open_files(options, common));
  std::size_t total = 0;
  for (const std::string& file : list.files()) {
    RPX_TRY(const policy::BlocklistLock alone, policy::BlocklistLock::take(file));
    RPX_TRY(const std::string text, policy::read_blocklist_file(file));
    std::size_t count = 0;
    const std::string kept = policy::prune_blocklist(text, std::chrono::system_clock::now(), count);
    if (count != 0) RPX_TRY_VOID(policy::write_blocklist_file(file, kept));
    total += count;
  }
  if (!common.quiet) cli::write_stderr(fmt::format("{}: {} taken out\n", kTool, total));
  return 0;
}

// The fewest lines that say the same: entries with one end and one reason become one set.
std::string merged(const std::vector<policy::BlockEntry>& entries) {
  std::map<std::pair<std::optional<WallTime>, std::string>, std::vector<IpPrefix>> groups;
  for (const policy::BlockEntry& entry : entries) groups[{entry.until, entry.reason}].push_back(entry.prefix);
  std::string out;
  for (auto& [kind, prefixes] : groups)
    for (const IpPrefix& prefix : policy::IpSet::build(std::move(prefixes)).prefixes())
      out += policy::format_block_line(prefix, kind.first, kind.second) + '\n';
  return out;
}

Result<int> merge(const TendOptions& options, const cli::Common& common) {
  if (!options.yes)
    return cli::report_error(kTool, cli::ExitCode::kRefused,
                             "merge writes the files anew, without their comments and order; pass --yes to do so");
  RPX_TRY(const List list, open_files(options, common));
  for (const std::string& file : list.files()) {
    RPX_TRY(const policy::BlocklistLock alone, policy::BlocklistLock::take(file));
    policy::Blocklist one;
    RPX_TRY_VOID(one.configure({{file}, 0, {}}, std::chrono::system_clock::now()));
    const auto table = one.table();
    std::vector<policy::BlockEntry> entries;
    for (std::size_t i = 0; i < table->size(); ++i) entries.push_back(table->entry(i));
    const std::string text = merged(entries);
    RPX_TRY_VOID(policy::write_blocklist_file(file, text));
    const auto lines = std::ranges::count(text, '\n');
    if (!common.quiet)
      cli::write_stderr(fmt::format("{}: {}: {} entries are now {}\n", kTool, file, entries.size(), lines));
  }
  return 0;
}

template <Result<int> (*Run)(const TendOptions&, const cli::Common&)>
auto action_of(const std::shared_ptr<TendOptions>& options) {
  return [options](const cli::Common& common) {
    const Result<int> done = Run(*options, common);
    return done ? *done : cli::report_error(kTool, done.error());
  };
}

}  // namespace

void add_merge(cli::App& app) {
  auto options = std::make_shared<TendOptions>();
  cli::Verb verb = app.verb("merge", "say the same in the fewest entries");
  verb.example("rpx-block merge --yes --file blocklist.txt", "comments and order are lost")
      .flag("--yes", options->yes, "do it")
      .action(action_of<merge>(options));
  add_place(verb, options->place);
}

void add_prune(cli::App& app) {
  auto options = std::make_shared<TendOptions>();
  cli::Verb verb = app.verb("prune", "take entries out of the files that have run out");
  verb.example("rpx-block prune", "the proxy need not run").action(action_of<prune>(options));
  add_place(verb, options->place);
}

}  // namespace rpx::block
