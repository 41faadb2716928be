#include "upstream/server_history.h"

namespace rpx::upstream {
namespace {

template <class Item>
void keep(std::deque<Item>& items, Item item, std::size_t most) {
  items.push_back(std::move(item));
  if (items.size() > most) items.pop_front();
}

}  // namespace

void ServerHistory::note(ServerMoment moment) {
  const std::scoped_lock lock(mutex_);
  keep(moments_, std::move(moment), kMostMoments);
}

void ServerHistory::note(ServerCheck check) {
  const std::scoped_lock lock(mutex_);
  keep(checks_, std::move(check), kMostChecks);
}

std::vector<ServerMoment> ServerHistory::moments() const {
  const std::scoped_lock lock(mutex_);
  return {moments_.begin(), moments_.end()};
}

std::vector<ServerCheck> ServerHistory::checks() const {
  const std::scoped_lock lock(mutex_);
  return {checks_.begin(), checks_.end()};
}

void ServerHistory::inherit(const ServerHistory& before) {
  const std::scoped_lock lock(mutex_, before.mutex_);
  moments_ = before.moments_;
  checks_ = before.checks_;
}

}  // namespace rpx::upstream
