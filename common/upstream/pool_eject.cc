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

// Two workers must not each take out the last server that may go. It happens too seldom to have a lock for each pool.
std::mutex& ejection_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

bool Pool::may_try(const Server& server, Instant now) const noexcept {
  const ServerState& state = server.state();
  return state.usable() || (state.only_ejected() && server.ejection().is_due(now));
}

bool Pool::claim(Server& server) noexcept {
  return !server.state().is_ejected() || server.ejection().begin_trial(loop_.now(), kTrialTime);
}

void Pool::judge(Server& server, bool good, std::string_view what) {
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
  reason.append(", the last: ").append(what);
  const Duration lasting = server.ejection().begin(*eject_, loop_.now(), reason);
  server.state().set_ejected(true);
  log_event(LogLevel::kWarning, "server is ejected",
            {{"upstream", server.upstream()},
             {"server", server.url()},
             {"reason", reason},
             {"for", format_duration(lasting)}});
  server.tell(EventKind::kEjection, "ejected", fmt::format("{}; for {}", reason, format_duration(lasting)));
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
