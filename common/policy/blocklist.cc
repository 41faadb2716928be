#include "policy/blocklist.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>

#include "base/log.h"
#include "base/result.h"
#include "policy/ban.h"
#include "policy/block_journal.h"

namespace rpx::policy {

Blocklist::Stamp Blocklist::stamp_of(const std::string& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) return {};
  return {facts.st_dev, facts.st_ino, static_cast<std::uint64_t>(facts.st_size),
          std::int64_t{facts.st_mtim.tv_sec} * 1'000'000'000 + facts.st_mtim.tv_nsec};
}

std::vector<Blocklist::Stamp> Blocklist::stamps_of(const BlocklistOptions& options) {
  std::vector<Stamp> out;
  out.reserve(options.files.size());
  for (const std::string& file : options.files) out.push_back(stamp_of(file));
  return out;
}

Result<std::shared_ptr<const BlockTable>> Blocklist::read(const BlocklistOptions& options, WallTime now) const {
  if (options.files.empty() && bans_.empty()) return std::shared_ptr<const BlockTable>();
  BlockTable::Builder builder(now);
  for (const std::string& file : options.files) {
    RPX_TRY(const std::string text, read_blocklist_file(file));
    builder.source(file);
    const std::vector<BadBlockLine> bad = read_block_lines(text, builder);
    if (!bad.empty())
      return self_error(ErrorKind::kConfig, fmt::format("{}:{}: {}", file, bad.front().line, bad.front().why));
  }
  for (const BlockItem& ban : bans_) builder.add(ban.prefix, ban.until, ban.reason);
  return builder.build(options.allow, options.status, table_.get());
}

// The stamps come first: a change between the two is found by the next refresh.
Status Blocklist::take_up(const BlocklistOptions& options, WallTime now) {
  std::vector<Stamp> stamps = stamps_of(options);
  std::erase_if(bans_, [now](const BlockItem& ban) { return ban.until && *ban.until <= now; });
  RPX_TRY(std::shared_ptr<const BlockTable> table, read(options, now));
  stamps_ = std::move(stamps);
  table_ = std::move(table);
  return {};
}

Status Blocklist::configure(BlocklistOptions options, WallTime now) {
  const std::scoped_lock lock(mutex_);
  RPX_TRY_VOID(take_up(options, now));
  options_ = std::move(options);
  return {};
}

std::shared_ptr<const BlockTable> Blocklist::table() const {
  const std::scoped_lock lock(mutex_);
  return table_;
}

Result<bool> Blocklist::refresh(WallTime now) {
  const std::scoped_lock lock(mutex_);
  if (!table_) return false;
  std::vector<Stamp> stamps = stamps_of(options_);
  const bool is_changed = stamps != stamps_;
  const bool has_expired = table_->next_expiry() && *table_->next_expiry() <= now;
  if (!is_changed && !has_expired) return false;
  const Status taken = take_up(options_, now);
  // Told once; the next change is the next chance.
  stamps_ = std::move(stamps);
  if (!taken) return std::unexpected(taken.error());
  return true;
}

Result<BlockOutcome> Blocklist::edit(BlockEdit edit, WallTime now) {
  const std::scoped_lock lock(mutex_);
  if (options_.files.empty()) return edit_bans(edit, now);
  RPX_TRY(const BlocklistLock alone, BlocklistLock::take(options_.files.front()));
  BlockOutcome out;
  BlockTrace trace;
  const bool pardoned = forget_bans(edit.del);
  std::vector<std::pair<const std::string*, std::string>> written;  // what stood there before
  Status done;
  for (std::size_t i = 0; i < options_.files.size() && done; ++i) {
    const std::string& file = options_.files[i];
    auto text = read_blocklist_file(file);
    if (!text) {
      done = std::unexpected(std::move(text).error());
      break;
    }
    EditedBlocklist edited = edit_blocklist(*text, {i == 0 ? edit.add : std::vector<BlockItem>(), edit.del});
    out.added += edited.added;
    out.changed += edited.changed;
    out.deleted += edited.deleted;
    if (edited.added + edited.changed + edited.deleted != 0) {
      done = write_blocklist_file(file, edited.text);
      if (done) written.emplace_back(&file, *std::move(text));
    }
    edit.del = std::move(edited.missing);
    std::ranges::move(edited.trace.added, std::back_inserter(trace.added));
    std::ranges::move(edited.trace.changed, std::back_inserter(trace.changed));
    std::ranges::move(edited.trace.deleted, std::back_inserter(trace.deleted));
  }
  if (done && (pardoned || !written.empty() || stamps_of(options_) != stamps_)) done = take_up(options_, now);
  if (!done) {
    for (const auto& [file, before] : written) [[maybe_unused]]
      const Status restored = write_blocklist_file(*file, before);
    return std::unexpected(std::move(done).error());
  }
  out.missing = std::move(edit.del);
  if (written.empty()) return out;
  // The list says what holds; that it cannot be undone then is worth a word, not a failure.
  const BlockCounts counts{out.added, out.changed, out.deleted};
  if (const Status noted = note_block_edit(options_.files.front(), trace, counts, now); !noted)
    log_event(LogLevel::kWarning, "an edit of the blocklist is not in its journal", {{"why", noted.error().detail}});
  return out;
}

bool Blocklist::forget_bans(const std::vector<IpPrefix>& prefixes) {
  const std::size_t gone = std::erase_if(
      bans_, [&prefixes](const BlockItem& ban) { return std::ranges::find(prefixes, ban.prefix) != prefixes.end(); });
  return gone != 0;
}

// Without files there are bans alone, and they can only be taken back.
Result<BlockOutcome> Blocklist::edit_bans(const BlockEdit& edit, WallTime now) {
  if (bans_.empty() || !edit.add.empty())
    return self_error(ErrorKind::kNotFound, "the configuration has no [blocklist]");
  BlockOutcome out;
  for (const IpPrefix& prefix : edit.del)
    if (std::ranges::find(bans_, prefix, &BlockItem::prefix) == bans_.end()) out.missing.push_back(prefix);
  const std::size_t before = bans_.size();
  forget_bans(edit.del);
  out.deleted = before - bans_.size();
  RPX_TRY_VOID(take_up(options_, now));
  return out;
}

// Writes bans into the first file, and takes those that are over out of it.
Status Blocklist::write_bans(const std::vector<BlockItem>& bans, WallTime now) const {
  const std::string& file = options_.files.front();
  RPX_TRY(const BlocklistLock alone, BlocklistLock::take(file));
  RPX_TRY(const std::string text, read_blocklist_file(file));
  std::size_t pruned = 0;
  const std::string kept = prune_blocklist(text, now, pruned, kBanReason);
  const EditedBlocklist edited = edit_blocklist(kept, {bans, {}});
  RPX_TRY_VOID(write_blocklist_file(file, edited.text));
  const BlockCounts counts{edited.added, edited.changed, edited.deleted};
  if (const Status noted = note_block_edit(file, edited.trace, counts, now, BlockEditor::kBan); !noted)
    log_event(LogLevel::kWarning, "a ban is not in the blocklist's journal", {{"why", noted.error().detail}});
  return {};
}

Status Blocklist::ban(std::vector<BlockItem> bans, WallTime now) {
  const std::scoped_lock lock(mutex_);
  const Status written = options_.files.empty() ? Status{} : write_bans(bans, now);
  if (!written || options_.files.empty()) {
    for (BlockItem& ban : bans) {
      std::erase_if(bans_, [&ban](const BlockItem& one) { return one.prefix == ban.prefix; });
      bans_.push_back(std::move(ban));
    }
  }
  RPX_TRY_VOID(take_up(options_, now));
  return written;
}

}  // namespace rpx::policy
