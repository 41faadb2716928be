// How the circuit to a server opens and closes; beside pool.cc.
#include <fmt/format.h>

#include <mutex>

#include "base/log.h"
#include "upstream/pool.h"

namespace rpx::upstream {
namespace {

// Circuits change too seldom to have a lock each.
std::mutex& circuit_mutex() {
  static std::mutex mutex;
  return mutex;
}

std::string late_text(Duration took) { return fmt::format("a reply after {}", format_duration(took)); }

}  // namespace

void Pool::begun(Server& server) {
  if (!breaker_ || breaker_->pending == 0 || server.state().is_open()) return;
  const std::int64_t active = server.counters().active.load(std::memory_order_relaxed);
  if (active > static_cast<std::int64_t>(breaker_->pending))
    open_circuit(server, fmt::format("{} requests at once", active));
}

void Pool::judge_circuit(Server& server, bool good, Duration took, std::string_view what) {
  const bool late = breaker_->slow > Duration::zero() && took > breaker_->slow;
  const Instant now = loop_.now();
  Breaker& breaker = server.breaker();
  if (server.state().is_open()) {
    // Replies to requests from before it opened say nothing new.
    if (!breaker.on_trial()) return;
    if (!good || late)
      open_circuit(server, fmt::format("failed again when tried: {}", good ? late_text(took) : std::string(what)));
    else if (breaker.trial_went_well(*breaker_, now))
      close_circuit(server);
    return;
  }
  if (good && !late) return;
  std::string why = breaker.failed(*breaker_, server.counters().requests.load(std::memory_order_relaxed), now);
  if (why.empty()) return;
  open_circuit(server, fmt::format("{}, the last: {}", why, good ? late_text(took) : std::string(what)));
}

void Pool::open_circuit(Server& server, std::string why) {
  {
    const std::scoped_lock lock(circuit_mutex());
    // Another worker has done it, by the same failures; a trial that failed opens it anew.
    if (server.state().is_open() && !server.breaker().on_trial()) return;
    server.breaker().open(*breaker_, loop_.now(), why);
    server.state().set_open(true);
  }
  log_event(LogLevel::kWarning, "circuit to the server is open",
            {{"upstream", server.upstream()},
             {"server", server.url()},
             {"reason", why},
             {"for", format_duration(breaker_->lasting)}});
  server.tell(EventKind::kEjection, "open", fmt::format("{}; for {}", why, format_duration(breaker_->lasting)));
}

void Pool::close_circuit(Server& server) {
  {
    const std::scoped_lock lock(circuit_mutex());
    if (!server.state().is_open()) return;
    server.breaker().close();
    server.state().set_open(false);
  }
  log_event(LogLevel::kNotice, "circuit to the server is closed",
            {{"upstream", server.upstream()}, {"server", server.url()}});
  server.tell(EventKind::kEjection, "closed", "requests that tried it went well");
  if (queue_) queue_->wake_front();
}

}  // namespace rpx::upstream
