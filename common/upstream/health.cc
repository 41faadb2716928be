#include "upstream/health.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <random>
#include <thread>

#include "base/log.h"
#include "rt/group.h"
#include "upstream/probe.h"

namespace rpx::upstream {
namespace {

// The first probes come within this long, not all at once.
constexpr Duration kFirstWithin = std::chrono::milliseconds(200);
constexpr Duration kShortest = std::chrono::milliseconds(100);

// One check that is made again and again, for every server it is made for.
struct Check {
  Check(rt::Loop& loop, CheckedServer first, bool healthy)
      : options(std::move(first.options)),
        tls(std::move(first.tls)),
        servers{std::move(first.server)},
        count(healthy, options.rise, options.fall),
        tasks(loop) {}
  bool is_for(const CheckedServer& wanted) const {
    const auto& ours = tls ? tls : servers.front()->tls();
    const auto& theirs = wanted.tls ? wanted.tls : wanted.server->tls();
    return servers.front()->url() == wanted.server->url() && options == wanted.options &&
           (ours == theirs || (ours && theirs && ours->same_as(*theirs)));
  }

  HealthOptions options;
  std::shared_ptr<const tls::ClientContext> tls;
  std::vector<std::shared_ptr<Server>> servers;
  HealthCount count;
  HealthFacts facts{};
  rt::TaskGroup tasks;  // last: it ends before what it uses
};

std::string upstream_names(const Check& check) {
  std::string out;
  for (const auto& server : check.servers) out += fmt::format("{}{}", out.empty() ? "" : " ", server->upstream());
  return out;
}

void log_change(const Check& check, const ProbeResult& result) {
  const std::string upstreams = upstream_names(check);
  const std::string what = describe(check.options);
  const std::string after = fmt::format("{} probes", check.count.healthy() ? check.options.rise : check.options.fall);
  const std::string took = format_duration(std::chrono::round<std::chrono::microseconds>(result.total));
  log_event(check.count.healthy() ? LogLevel::kNotice : LogLevel::kWarning,
            check.count.healthy() ? "server is healthy" : "server is unhealthy",
            {{"upstream", upstreams},
             {"server", check.servers.front()->url()},
             {"check", what},
             {"reason", result.why},
             {"after", after},
             {"first_bytes", result.first_bytes},
             {"took", took}});
  for (const auto& server : check.servers)
    server->tell(EventKind::kServer, check.count.healthy() ? "healthy" : "unhealthy", check.facts.why);
}

void take_result(Check& check, const ProbeResult& result, Instant now) {
  const bool changed = check.count.note(result.good);
  HealthFacts& facts = check.facts;
  facts.checked = true;
  ++facts.checks;
  if (!result.good) ++facts.failed;
  facts.why =
      result.first_bytes.empty() || result.good ? result.why : fmt::format("{} ({})", result.why, result.first_bytes);
  facts.last = std::chrono::system_clock::now();
  facts.took = result.total;
  facts.settled = !check.count.changing();
  if (changed) {
    ++facts.changes;
    facts.since = facts.last;
    log_change(check, result);
  }
  for (const auto& server : check.servers) {
    server->history().note(ServerCheck{.at = facts.last,
                                       .good = result.good,
                                       .why = result.why,
                                       .first_bytes = result.first_bytes,
                                       .address = result.address,
                                       .status = result.status,
                                       .connect = result.connect,
                                       .first_byte = result.first_byte,
                                       .total = result.total});
    server->state().set_facts(facts);
    server->state().set_healthy(check.count.healthy(), now, check.options.slow_start);
  }
}

}  // namespace

bool HealthCount::note(bool good) noexcept {
  if (good == healthy_) {
    against_ = 0;
    return false;
  }
  if (++against_ < (good ? rise_ : fall_)) return false;
  healthy_ = good;
  against_ = 0;
  return true;
}

Duration next_probe(const HealthOptions& options, bool changing, double random) noexcept {
  const Duration usual =
      changing ? std::min(options.interval, std::max(options.interval / 5, kShortest)) : options.interval;
  return std::chrono::duration_cast<Duration>(usual * (0.9 + 0.2 * random));
}

struct HealthChecks::Thread {
  ~Thread() {
    if (!thread.joinable()) return;
    loop.stop();
    thread.join();
  }
  double random() { return std::uniform_real_distribution<double>(0, 1)(generator); }
  rt::Task<void> keep_checking(Check& check);
  void use(const std::vector<CheckedServer>& wanted);
  void run();

  rt::Loop loop;
  std::minstd_rand generator{std::random_device{}()};
  std::vector<std::unique_ptr<Check>> checks;  // of the thread
  std::atomic<std::size_t> count{0};
  std::thread thread;
};

void HealthChecks::Thread::run() {
  pthread_setname_np(pthread_self(), "rpx-health");
  loop.run();
  // Connections and frames go back to the pools of the thread they came from.
  checks.clear();
}

rt::Task<void> HealthChecks::Thread::keep_checking(Check& check) {
  const Duration first = std::min(check.options.interval, kFirstWithin);
  co_await loop.sleep_until(loop.now() + std::chrono::duration_cast<Duration>(first * random()));
  for (;;) {
    const Instant begun = loop.now();
    const Server& server = *check.servers.front();
    std::string unresolved;
    ProbeTarget target = target_of(server, check.tls, unresolved);
    ProbeResult result = co_await probe(loop, std::move(target), check.options);
    if (!unresolved.empty() && !result.good) result.why = fmt::format("does not resolve: {}", unresolved);
    take_result(check, result, loop.now());
    const Duration pause = next_probe(check.options, check.count.changing(), random());
    co_await loop.sleep_until(std::max(begun + pause, loop.now() + std::chrono::milliseconds(1)));
  }
}

void HealthChecks::Thread::use(const std::vector<CheckedServer>& wanted) {
  std::vector<std::unique_ptr<Check>> before = std::move(checks);
  checks.clear();
  // Which servers each check is for is made up anew; a check nobody asks for any more ends here, probe and all.
  std::vector<std::shared_ptr<Server>> known;
  for (const auto& check : before) known.insert(known.end(), check->servers.begin(), check->servers.end());
  for (const CheckedServer& one : wanted) {
    const auto is_for = [&one](const auto& check) { return check && check->is_for(one); };
    std::erase(known, one.server);
    if (const auto same = std::ranges::find_if(checks, is_for); same != checks.end()) {
      (*same)->servers.push_back(one.server);
    } else if (const auto old = std::ranges::find_if(before, is_for); old != before.end()) {
      (*old)->servers.assign(1, one.server);
      checks.push_back(std::move(*old));
    } else {
      const HealthFacts facts = one.server->state().facts();
      const bool healthy = facts.checked ? one.server->state().healthy() : one.options.initial == "up";
      checks.push_back(std::make_unique<Check>(loop, one, healthy));
      checks.back()->facts = facts;
      checks.back()->facts.checked = true;
      checks.back()->tasks.spawn(keep_checking(*checks.back()));
    }
  }
  for (const auto& check : checks)
    for (const auto& server : check->servers) {
      server->state().set_facts(check->facts);
      server->state().set_healthy(check->count.healthy(), loop.now(), Duration::zero());
    }
  for (const auto& server : known) {
    server->state().set_facts({});
    server->state().set_healthy(true, loop.now(), Duration::zero());
  }
  count.store(checks.size(), std::memory_order_relaxed);
}

HealthChecks::HealthChecks() = default;
HealthChecks::~HealthChecks() = default;

void HealthChecks::configure(std::vector<CheckedServer> wanted) {
  if (!thread_) {
    if (wanted.empty()) return;
    thread_ = std::make_unique<Thread>();
  }
  // Before the first request may come; the thread takes it up from there.
  for (const CheckedServer& one : wanted)
    if (one.options.initial == "down" && !one.server->state().facts().checked)
      one.server->state().set_healthy(false, {}, Duration::zero());
  thread_->loop.post([thread = thread_.get(), wanted = std::move(wanted)] { thread->use(wanted); });
  if (!thread_->thread.joinable()) thread_->thread = std::thread([thread = thread_.get()] { thread->run(); });
}

std::size_t HealthChecks::count() const noexcept {
  return thread_ ? thread_->count.load(std::memory_order_relaxed) : 0;
}

}  // namespace rpx::upstream
