#include "proxy/blocklist_keeper.h"

#include <pthread.h>

#include <chrono>

#include "base/log.h"
#include "base/result.h"

namespace rpx::proxy {
namespace {

// How late a change by hand or the end of an entry may be noticed.
constexpr std::chrono::milliseconds kLook{500};

WallTime wall_now() { return std::chrono::system_clock::now(); }

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
  RPX_TRY(policy::BlockOutcome outcome, list_.edit(std::move(edit), wall_now()));
  publish_(list_.table());
  return outcome;
}

void BlocklistKeeper::start() {
  if (thread_.joinable() || !list_.table()) return;
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

void BlocklistKeeper::follow() {
  pthread_setname_np(pthread_self(), "rpx-blocklist");
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, kLook, [this] { return ending_; })) {
    lock.unlock();
    {
      const std::scoped_lock in_order(order_);
      const Result<bool> is_new = list_.refresh(wall_now());
      if (!is_new)
        log_event(LogLevel::kError, "the blocklist was not read again, the old one stays",
                  {{"why", is_new.error().detail}});
      else if (*is_new)
        publish_(list_.table());
    }
    lock.lock();
  }
}

}  // namespace rpx::proxy
