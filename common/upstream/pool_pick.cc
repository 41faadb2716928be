// Which server of a pool comes next: those that are well, tier by tier; all of them where nobody is. Beside pool.cc,
// which does the rest.
#include <algorithm>
#include <limits>

#include "upstream/member.h"

namespace rpx::upstream {
namespace {

// After all other priorities.
constexpr std::uint32_t kBackupTier = std::numeric_limits<std::uint32_t>::max();

std::uint32_t tier_of(const ServerOptions& options) noexcept { return options.backup ? kBackupTier : options.priority; }
// What a failed try counts as, at least, where the time to a reply is minded.
constexpr Duration kFailureTime = std::chrono::seconds(1);

}  // namespace

void Pool::set_tiers() {
  tiers_.clear();
  for (const auto& member : members_) tiers_.push_back(tier_of(member->server->options()));
  std::ranges::sort(tiers_);
  const auto twice = std::ranges::unique(tiers_);
  tiers_.erase(twice.begin(), twice.end());
}

// What the policy minds of the server beyond its weight.
void Pool::describe(std::size_t index) {
  Server& server = *members_[index]->server;
  balance::Endpoint& endpoint = endpoints_[index];
  endpoint.active =
      static_cast<std::uint32_t>(std::max<std::int64_t>(0, server.counters().active.load(std::memory_order_relaxed)));
  if (wants_ != balance::Wants::kLatency) return;
  endpoint.latency = server.counters().latency.average();
  endpoint.age = server.counters().latency.age(loop_.now());
}

std::optional<std::size_t> Pool::pick_among(std::span<Member* const> tried, std::uint32_t tier, bool panic,
                                            std::uint64_t key) {
  bool any = false;
  const Instant now = loop_.now();
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Member& member = *members_[i];
    const ServerState& state = member.server->state();
    const bool fit = panic ? is_left(member, now) : is_well(member, now);
    const bool usable =
        fit && tier_of(member.server->options()) == tier && std::ranges::find(tried, &member) == tried.end();
    endpoints_[i].weight = state.share(now);
    endpoints_[i].usable = usable && !(limited_ && member.server->is_full());
    saw_full_ |= usable && !endpoints_[i].usable;
    if (usable && wants_ != balance::Wants::kNothing) describe(i);
    any |= endpoints_[i].usable;
  }
  return any ? policy_->pick(endpoints_, key) : std::nullopt;
}

Member* Pool::pick_in_tiers(std::span<Member* const> tried, bool panic, std::uint64_t key) {
  for (const std::uint32_t tier : tiers_)
    // One request tries an ejected server. Who comes too late for that finds its time not over, and chooses again.
    for (std::size_t choice = 0; choice <= members_.size(); ++choice) {
      const auto index = pick_among(tried, tier, panic, key);
      if (!index) break;
      if (claim(*members_[*index]->server, panic)) return members_[*index].get();
    }
  return nullptr;
}

Member* Pool::pick(std::span<Member* const> tried, std::uint64_t key) {
  saw_full_ = false;
  if (members_.size() == 1 && !limited_) {
    Member& only = *members_.front();
    // What was tried may be a server that is of the upstream no more.
    if (std::ranges::find(tried, &only) != tried.end() || !is_left(only, loop_.now())) return nullptr;
    return claim(*only.server, true) ? &only : nullptr;
  }
  if (!in_panic()) {
    if (Member* found = pick_in_tiers(tried, false, key)) return found;
    // Better to wait for a server that is full than to try one that is down.
    if (saw_full_) return nullptr;
  }
  // When nobody is well, everybody is tried who has not been taken out.
  return pick_in_tiers(tried, true, key);
}

bool Pool::is_well(const Member& member, Instant now) const noexcept {
  return may_try(*member.server, now) && member.down_until <= now;
}

bool Pool::is_left(const Member& member, Instant now) const noexcept {
  const ServerState& state = member.server->state();
  return state.allowed() && (!state.is_open() || member.server->breaker().is_due(now));
}

bool Pool::in_panic() const noexcept {
  if (panic_ <= 0) return false;
  const Instant now = loop_.now();
  std::size_t allowed = 0;
  std::size_t well = 0;
  for (const auto& member : members_) {
    if (!member->server->state().allowed()) continue;
    ++allowed;
    if (is_well(*member, now)) ++well;
  }
  return static_cast<double>(well) < panic_ * static_cast<double>(allowed);
}

bool Pool::anybody_well() const noexcept {
  const Instant now = loop_.now();
  return in_panic() || std::ranges::any_of(members_, [&](const auto& one) { return is_well(*one, now); });
}

void Pool::rest(Member& member, Duration lasting) noexcept {
  member.down_until = std::max(member.down_until, loop_.now() + lasting);
}

bool Pool::has_other(std::span<Member* const> tried) const noexcept {
  const Instant now = loop_.now();
  return std::ranges::any_of(members_, [&](const auto& one) {
    return is_left(*one, now) && std::ranges::find(tried, one.get()) == tried.end();
  });
}

// It was not to be reached a moment ago.
bool Pool::is_down(const Member& member) const noexcept { return member.down_until > loop_.now(); }

const std::shared_ptr<Server>& Pool::server_of(const Member& member) noexcept { return member.server; }

std::optional<Duration> Pool::hedge_delay() const noexcept {
  if (!hedge_ || members_.size() < 2) return std::nullopt;
  if (hedge_->percentile == 0) return hedge_->after;
  const std::optional<Duration> most = reply_times_.at(hedge_->percentile);
  return most ? std::optional(std::max(*most, hedge_->after)) : std::nullopt;
}

// A server that fails at once must not look quick.
void Pool::learn(Server& server, Duration took, bool failed) noexcept {
  if (hedge_ && !failed) reply_times_.add(took);
  if (eject_ && eject_->latency != 0 && !failed) server.counters().typical.learn(took, loop_.now());
  if (wants_ != balance::Wants::kLatency) return;
  server.counters().latency.learn(failed ? std::max(took, kFailureTime) : took, loop_.now());
}

}  // namespace rpx::upstream
