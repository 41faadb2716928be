#include "proxy/blocklist_keeper.h"

#include <pthread.h>

#include <chrono>

#include "base/events.h"
#include "base/log.h"
#include "base/result.h"

namespace rpx::proxy {
namespace {

// How late a change by hand or the end of an entry may be noticed.
constexpr std::chrono::milliseconds kLook{500};
// Bans that come within this time are taken up together: each time is a new table.
constexpr std::chrono::milliseconds kGather{100};
constexpr std::size_t kMostWaiting = 4096;

// More prefixes than that in one edit are told as a number.
constexpr std::size_t kToldApart = 50;

WallTime wall_now() { return std::chrono::system_clock::now(); }

void publish_edit(const policy::BlockEdit& edit) {
  for (const policy::BlockItem& item : edit.add) {
    const std::string until = item.until ? format_rfc3339(*item.until) : "";
    publish(EventKind::kBlocklist,
            {{"action", "add"}, {"prefix", item.prefix.to_string()}, {"until", until}, {"reason", item.reason}});
  }
  for (const IpPrefix& prefix : edit.del)
    publish(EventKind::kBlocklist, {{"action", "del"}, {"prefix", prefix.to_string()}});
}

}  // namespace

Status BlocklistKeeper::configure(policy::BlocklistOptions options) {
  const std::scoped_lock lock(order_);
  const bool had = list_.table() != nullptr;
  RPX_TRY_VOID(list_.configure(std::move(options), wall_now()));
  const Table table = list_.table();
  if (had || table) publish_(table);
  return {};
}

Result<policy::BlockOutcome> BlocklistKeeper::edit(policy::BlockEdit edit) {
  const std::scoped_lock lock(order_);
  // An import of a million need not be kept twice for that.
  const bool few = edit.add.size() + edit.del.size() <= kToldApart;
  policy::BlockEdit told = few ? edit : policy::BlockEdit{};
  RPX_TRY(policy::BlockOutcome outcome, list_.edit(std::move(edit), wall_now()));
  publish_(list_.table());
  if (few) {
    for (const IpPrefix& missing : outcome.missing) std::erase(told.del, missing);
    publish_edit(told);
  } else {
    publish(EventKind::kBlocklist, {{"action", "edit"},
                                    {"added", std::uint64_t{outcome.added}},
                                    {"changed", std::uint64_t{outcome.changed}},
                                    {"deleted", std::uint64_t{outcome.deleted}}});
  }
  return outcome;
}

void BlocklistKeeper::start(bool bans) {
  if (thread_.joinable() || (!list_.table() && !bans)) return;
  thread_ = std::thread([this] { follow(); });
}

void BlocklistKeeper::stop() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void BlocklistKeeper::ban(policy::Ban ban) {
  {
    const std::scoped_lock lock(mutex_);
    // Who is left out for want of room goes on being counted, and comes again.
    if (bans_.size() >= kMostWaiting) return;
    bans_.push_back(std::move(ban));
  }
  ended_.notify_all();
}

void BlocklistKeeper::take_up(const std::vector<policy::Ban>& bans) {
  const WallTime now = wall_now();
  std::vector<policy::BlockItem> items;
  for (const policy::Ban& ban : bans) {
    const Duration lasting = history_.next(ban, now);
    const auto until =
        std::chrono::ceil<std::chrono::seconds>(now + std::chrono::duration_cast<WallTime::duration>(lasting));
    const std::string client = ban.prefix.to_string();
    log_event(LogLevel::kNotice, "banned",
              {{"client", client}, {"for", format_duration(lasting)}, {"why", ban.reason}});
    publish(EventKind::kBan, {{"prefix", client},
                              {"for", std::chrono::duration<double>(lasting).count()},
                              {"reason", std::string_view(ban.reason)}});
    items.push_back({ban.prefix, until, ban.reason});
  }
  const std::scoped_lock in_order(order_);
  if (const Status banned = list_.ban(std::move(items), now); !banned)
    log_event(LogLevel::kError, "bans are not in the file, but hold", {{"why", banned.error().detail}});
  publish_(list_.table());
}

void BlocklistKeeper::look() {
  const std::scoped_lock in_order(order_);
  const Result<bool> is_new = list_.refresh(wall_now());
  if (!is_new) {
    log_event(LogLevel::kError, "the blocklist was not read again, the old one stays",
              {{"why", is_new.error().detail}});
  } else if (*is_new) {
    // There is none any more when bans without a file have run out.
    const Table table = list_.table();
    publish_(table);
    publish(EventKind::kBlocklist, {{"action", "read"}, {"entries", std::uint64_t{table ? table->size() : 0}}});
  }
}

void BlocklistKeeper::follow() {
  pthread_setname_np(pthread_self(), "rpx-blocklist");
  std::unique_lock lock(mutex_);
  for (;;) {
    ended_.wait_for(lock, kLook, [this] { return ending_ || !bans_.empty(); });
    if (ending_) return;
    std::vector<policy::Ban> bans;
    bans.swap(bans_);
    lock.unlock();
    if (!bans.empty()) take_up(bans);
    look();
    lock.lock();
    if (!bans.empty() && ended_.wait_for(lock, kGather, [this] { return ending_; })) return;
  }
}

}  // namespace rpx::proxy
