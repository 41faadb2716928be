// watch, log and undo: what happens to the list, what has happened, and taking it back.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>

#include "ask.h"
#include "base/result.h"
#include "base/rfc3339.h"
#include "follow.h"
#include "list.h"
#include "policy/block_journal.h"
#include "verbs.h"

namespace rpx::block {

namespace {

struct HistoryOptions {
  Place place;
  bool bans = false;
};

// A line of the journal, as far as it has not been undone.
struct Past {
  std::string time;
  std::string by;
  std::uint64_t uid = 0;
  policy::BlockCounts counts;
  bool traced = false;
  bool ban = false;                      ///< made by a rule; or an undo, of such a one
  std::optional<std::size_t> undo = {};  ///< so many lines before it undid an edit
  policy::BlockTrace trace;
};

std::vector<policy::BlockItem> items_in(const Poco::JSON::Object& line, const std::string& member) {
  std::vector<policy::BlockItem> out;
  const auto list = line.getArray(member);
  for (std::size_t i = 0; !list.isNull() && i < list->size(); ++i) {
    const auto item = list->getObject(static_cast<unsigned>(i));
    if (item.isNull()) continue;
    const auto prefix = IpPrefix::parse(serve::text_of(*item, "prefix"));
    if (prefix)
      out.push_back({*prefix, parse_rfc3339(serve::text_of(*item, "until")), serve::text_of(*item, "reason")});
  }
  return out;
}

Past past_of(const Poco::JSON::Object& line) {
  Past out{.time = serve::text_of(line, "time"),
           .by = serve::text_of(line, "by"),
           .uid = serve::number_of(line, "uid"),
           .counts = {},
           .traced = line.has("added"),
           .ban = serve::text_of(line, "ban") == "true",
           .trace = {}};
  if (line.has("undo")) out.undo = serve::number_of(line, "undo");
  const auto counts = line.getArray("counts");
  if (!counts.isNull() && counts->size() == 3)
    out.counts = {counts->getElement<std::size_t>(0), counts->getElement<std::size_t>(1),
                  counts->getElement<std::size_t>(2)};
  for (const std::string& text : serve::texts_of(line, "added"))
    if (const auto prefix = IpPrefix::parse(text)) out.trace.added.push_back(*prefix);
  out.trace.changed = items_in(line, "changed");
  out.trace.deleted = items_in(line, "deleted");
  return out;
}

// The oldest first. A line that cannot be read is left out: the journal is ours, but anybody may write to it.
Result<std::vector<Past>> read_journal(const List& list) {
  if (list.files().empty())
    return self_error(ErrorKind::kUsage,
                      "the journal is beside the list, and no file is known; pass -c FILE or --file");
  std::vector<Past> out;
  std::ifstream in(policy::block_journal_of(list.files().front()));
  for (std::string line; std::getline(in, line);)
    if (const auto object = serve::parse_object(line)) out.push_back(past_of(**object));
  return out;
}

// The edits that still stand, of people or (`bans`) of rules; the last of them is the next to be undone. Rules go on
// while people edit: nobody's undo is to take back what somebody else did since.
std::vector<Past> standing(std::vector<Past> all, bool bans) {
  std::vector<Past> edits;
  std::vector<Past> banned;
  for (Past& one : all) {
    std::vector<Past>& own = one.ban ? banned : edits;
    if (!one.undo) {
      own.push_back(std::move(one));
      continue;
    }
    // The edits that did it, and the one that they took back.
    for (std::size_t i = 0; i < *one.undo && !edits.empty(); ++i) edits.pop_back();
    if (!own.empty()) own.pop_back();
  }
  return bans ? banned : edits;
}

// The first few prefixes of an edit, so that it can be told from others.
std::string gist_of(const policy::BlockTrace& trace) {
  constexpr std::size_t kFew = 3;
  std::vector<std::string> words;
  for (const IpPrefix& prefix : trace.added) words.push_back("+" + prefix.to_string());
  for (const policy::BlockItem& item : trace.changed) words.push_back("~" + item.prefix.to_string());
  for (const policy::BlockItem& item : trace.deleted) words.push_back("-" + item.prefix.to_string());
  const bool more = words.size() > kFew;
  if (more) words.resize(kFew);
  return fmt::format("{}{}", fmt::join(words, " "), more ? " …" : "");
}

Result<int> log(const HistoryOptions& options, const cli::Common& common) {
  RPX_TRY(const List list, List::open(options.place, common));
  RPX_TRY(const std::vector<Past> all, read_journal(list));
  cli::Records records(
      {{"time"}, {"by"}, {"uid", true}, {"added", true}, {"changed", true}, {"deleted", true}, {"what"}});
  for (const Past& one : all)
    if (!one.undo)
      records.add({one.time, one.ban ? "[[ban]]" : one.by, one.uid, std::uint64_t{one.counts.added},
                   std::uint64_t{one.counts.changed}, std::uint64_t{one.counts.deleted}, gist_of(one.trace)});
  cli::write_stdout(records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
  return 0;
}

Result<int> undo(const HistoryOptions& options, const cli::Common& common) {
  RPX_TRY(const List list, List::open(options.place, common));
  RPX_TRY(std::vector<Past> all, read_journal(list));
  const auto edits_in = [](const std::vector<Past>& lines) {
    return static_cast<std::size_t>(
        std::ranges::count_if(lines, [](const Past& one) { return !one.ban && !one.undo; }));
  };
  const std::size_t before = edits_in(all);
  const std::vector<Past> left = standing(std::move(all), options.bans);
  if (left.empty()) {
    if (!common.quiet) cli::write_stderr(fmt::format("{}: there is nothing to undo\n", kTool));
    return 0;
  }
  const Past& last = left.back();
  if (!last.traced)
    return cli::report_error(
        kTool, cli::ExitCode::kRefused,
        fmt::format("the edit of {} had more than {} entries and cannot be undone", last.time, policy::kMostTraced));
  policy::BlockEdit edit{.add = last.trace.changed, .del = last.trace.added};
  edit.add.insert(edit.add.end(), last.trace.deleted.begin(), last.trace.deleted.end());
  const WallTime now = std::chrono::system_clock::now();
  std::erase_if(edit.add, [now](const policy::BlockItem& item) { return item.until && *item.until <= now; });
  RPX_TRY(const policy::BlockOutcome done, list.edit(std::move(edit)));
  RPX_TRY(const std::vector<Past> after, read_journal(list));
  // A journal that was begun anew meanwhile has nothing older to be undone.
  const std::size_t edits = edits_in(after);
  const std::size_t made = edits >= before ? edits - before : edits;
  RPX_TRY_VOID(policy::note_block_undo(list.files().front(), made, now,
                                       options.bans ? policy::BlockEditor::kBan : policy::BlockEditor::kSomebody));
  if (!common.quiet)
    cli::write_stderr(fmt::format("{}: undid the edit of {}: {} added, {} changed, {} deleted\n", kTool, last.time,
                                  done.added, done.changed, done.deleted));
  return 0;
}

std::string event_line(const Poco::JSON::Object& event) {
  std::string subject = serve::text_of(event, "prefix");
  if (subject.empty()) subject = serve::text_of(event, "client");
  if (subject.empty())
    for (const char* member : {"added", "changed", "deleted", "entries"})
      if (event.has(member))
        subject += fmt::format("{}{} {}", subject.empty() ? "" : ", ", serve::text_of(event, member), member);
  const std::string action = serve::text_of(event, "action");
  return fmt::format("{}  {:<5}  {}  {}", serve::clock_of(event),
                     action.empty() ? serve::text_of(event, "kind") : action, subject, serve::text_of(event, "reason"));
}

Result<int> watch(const HistoryOptions&, const cli::Common& common) {
  return serve::watch(common, {.tool = kTool, .kinds = "blocklist,ban", .line = event_line});
}

template <Result<int> (*Run)(const HistoryOptions&, const cli::Common&)>
auto action_of_history(const std::shared_ptr<HistoryOptions>& options) {
  return [options](const cli::Common& common) {
    const Result<int> done = Run(*options, common);
    return done ? *done : cli::report_error(kTool, done.error());
  };
}

}  // namespace

void add_watch(cli::App& app) {
  auto options = std::make_shared<HistoryOptions>();
  app.verb("watch", "show edits and bans as they happen; as JSON when stdout is no terminal")
      .example("rpx-block watch", "until Ctrl-C; survives restarts of the proxy")
      .action(action_of_history<watch>(options));
}

void add_log(cli::App& app) {
  auto options = std::make_shared<HistoryOptions>();
  cli::Verb verb = app.verb("log", "list the edits there were, the oldest first");
  verb.example("rpx-block log -o json", "from the journal beside the list").action(action_of_history<log>(options));
  add_place(verb, options->place);
}

void add_undo(cli::App& app) {
  auto options = std::make_shared<HistoryOptions>();
  cli::Verb verb = app.verb("undo", "take the last edit back; again, the one before it");
  verb.example("rpx-block undo", "what was added goes, what was deleted or changed is as before")
      .example("rpx-block undo --bans", "the last ban of a [[ban]] rule, which is an edit of its own")
      .flag("--bans", options->bans, "take back what rules banned instead of what people edited")
      .action(action_of_history<undo>(options));
  add_place(verb, options->place);
}

}  // namespace rpx::block
