// How requests that fail take a server out of the pool, and how one that goes well brings it back; beside pool.cc.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/log.h"
#include "upstream/pool.h"

namespace rpx::upstream {
namespace {

// A trial that nobody hears of again, as its client went away, keeps the next one back for this long.
constexpr Duration kTrialTime = std::chrono::seconds(5);

// Who is slower by less is not slow, whatever the factor: in seconds.
constexpr float kLeastLag = 0.01F;

// Two workers must not each take out the last server that may go. It happens too seldom to have a lock for each pool.
std::mutex& ejection_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

bool Pool::may_try(const Server& server, Instant now) const noexcept {
  const ServerState& state = server.state();
  if (state.usable()) return true;
  return state.only_suspect() && (!state.is_ejected() || server.ejection().is_due(now)) &&
         (!state.is_open() || server.breaker().is_due(now));
}

bool Pool::claim(Server& server, bool panic) noexcept {
  const Instant now = loop_.now();
  if (server.state().is_open() && !server.breaker().begin_trial(now, kTrialTime)) return false;
  return panic || !server.state().is_ejected() || server.ejection().begin_trial(now, kTrialTime);
}

void Pool::judge(Server& server, bool good, std::string_view what, Duration took) {
  if (breaker_) judge_circuit(server, good, took, what);
  if (!eject_) return;
  Ejection& ejection = server.ejection();
  if (good) {
    ejection.succeeded();
    if (server.state().is_ejected() && ejection.on_trial()) end_ejection(server);
    return;
  }
  const Instant now = loop_.now();
  if (server.state().is_ejected()) {
    if (ejection.on_trial()) eject(server, "failed again when tried", what);
    return;
  }
  const std::string why = ejection.failed(*eject_, server.counters().requests.load(std::memory_order_relaxed), now);
  if (!why.empty()) eject(server, why, what);
}

void Pool::eject(Server& server, std::string_view why, std::string_view what) {
  const std::scoped_lock lock(ejection_mutex());
  const auto is_out = [&server](const auto& one) {
    return server_of(*one).get() != &server && server_of(*one)->state().is_ejected();
  };
  const auto out = static_cast<std::size_t>(std::ranges::count_if(members_, is_out));
  if (out >= most_ejected(members_.size(), eject_->max)) return;
  const bool again = server.state().is_ejected();
  // Another worker has done it, by the same failures.
  if (again && !server.ejection().on_trial()) return;
  std::string reason(why);
  if (!what.empty()) reason.append(", the last: ").append(what);
  const Duration lasting = server.ejection().begin(*eject_, loop_.now(), reason);
  server.state().set_ejected(true);
  log_event(LogLevel::kWarning, "server is ejected",
            {{"upstream", server.upstream()},
             {"server", server.url()},
             {"reason", reason},
             {"for", format_duration(lasting)}});
  server.tell(EventKind::kEjection, "ejected", fmt::format("{}; for {}", reason, format_duration(lasting)));
}

// Servers whose replies take so many times as long as is typical for the others.
void Pool::eject_laggards(Instant now) {
  std::vector<std::pair<float, Server*>> known;
  for (const auto& member : members_) {
    Server& server = *server_of(*member);
    if (!server.state().usable()) continue;
    if (const auto typical = server.counters().typical.typical(now)) known.emplace_back(*typical, &server);
  }
  if (known.size() < 2) return;
  std::ranges::sort(known);
  // Of the peers alone: with two servers the other one is what counts.
  const float typical = known[(known.size() - 1) / 2].first;
  auto& [worst, server] = known.back();
  if (worst < typical * static_cast<float>(eject_->latency) || worst < typical + kLeastLag) return;
  server->counters().typical.forget();
  eject(*server, fmt::format("its replies take {:.3g} s, those of its peers {:.3g} s", worst, typical), {});
}

void Pool::end_ejection(Server& server) {
  {
    const std::scoped_lock lock(ejection_mutex());
    if (!server.state().is_ejected()) return;
    server.ejection().end(loop_.now());
    server.state().set_ejected(false);
  }
  log_event(LogLevel::kNotice, "server is back after its ejection",
            {{"upstream", server.upstream()}, {"server", server.url()}});
  server.tell(EventKind::kEjection, "returned", "a request went well");
}

}  // namespace rpx::upstream
