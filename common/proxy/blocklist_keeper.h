// BlocklistKeeper: the process' blocklist, and the thread that follows its files and the clock. Each new table goes to
// all workers before whoever asked for it is answered. Owned by the server; control threads and its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "policy/ban.h"
#include "policy/blocklist.h"

namespace rpx::proxy {

class BlocklistKeeper {
 public:
  using Table = std::shared_ptr<const policy::BlockTable>;
  /// `publish` hands a table (or none) to all workers and returns when they have it.
  explicit BlocklistKeeper(std::function<void(const Table&)> publish) : publish_(std::move(publish)) {}
  ~BlocklistKeeper() { stop(); }
  BlocklistKeeper(const BlocklistKeeper&) = delete;
  BlocklistKeeper& operator=(const BlocklistKeeper&) = delete;

  /// As Blocklist::configure; publishes.
  Status configure(policy::BlocklistOptions options);
  /// Begins to follow the files and the clock, once there are any, or `bans` may come. From begin() and reload().
  void start(bool bans);
  /// Has `ban` taken up soon: its client is refused by all workers then. Any thread; never waits for a file.
  void ban(policy::Ban ban);
  /// Ends that, before the workers end.
  void stop();
  Table table() const { return list_.table(); }
  /// As Blocklist::edit; publishes before it returns.
  Result<policy::BlockOutcome> edit(policy::BlockEdit edit);

 private:
  void follow();
  void take_up(const std::vector<policy::Ban>& bans);
  void look();

  const std::function<void(const Table&)> publish_;
  policy::Blocklist list_;
  std::mutex order_;  // tables are published in the order they were made
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::vector<policy::Ban> bans_;  // under mutex_: that wait to be taken up
  policy::BanHistory history_;     // of the thread
  std::thread thread_;
};

}  // namespace rpx::proxy
