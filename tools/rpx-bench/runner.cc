#include "runner.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <thread>

#include "base/result.h"
#include "cli/terminal.h"
#include "rt/loop.h"
#include "screen.h"
#include "truth.h"
#include "upstream/dial.h"
#include "worker.h"

namespace rpx::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kTick = std::chrono::milliseconds(200);
int g_signal = 0;

// What wakes the waiting main thread when a thread is done; it counts them elsewhere, since equal signals become one.
constexpr int kDoneSignal = SIGUSR2;

sigset_t watched_signals() noexcept {
  sigset_t out;
  sigemptyset(&out);
  for (const int one : {SIGINT, SIGTERM, kDoneSignal}) sigaddset(&out, one);
  return out;
}

rt::Task<void> try_origin(rt::Loop& loop, const Origin& origin, Instant deadline, Status& outcome) {
  for (const Address& address : origin.addresses) {
    const auto stream = co_await upstream::dial(loop, address, {origin.tls, origin.name, nullptr}, deadline);
    outcome = stream ? Status{} : std::unexpected(stream.error());
    if (outcome) co_return;
  }
}

struct Crew {
  explicit Crew(int threads) : board(static_cast<std::size_t>(threads)) {}
  Board board;  // for the full-screen view
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  std::atomic<int> running{0};
};

void hire(const Plan& plan, Shared& shared, Instant begin, Crew& crew) {
  const auto part = [&plan](std::uint64_t whole, int index) {
    const auto count = static_cast<std::uint64_t>(plan.threads);
    return whole / count + (static_cast<std::uint64_t>(index) < whole % count ? 1 : 0);
  };
  for (int i = 0; i < plan.threads; ++i) {
    const Share share{i, plan.threads, static_cast<int>(part(static_cast<std::uint64_t>(plan.connections), i)),
                      part(plan.total, i), begin};
    crew.workers.push_back(std::make_unique<Worker>(plan, shared, share));
  }
  const pthread_t main_thread = pthread_self();
  crew.running = plan.threads;
  for (auto& worker : crew.workers)
    crew.threads.emplace_back([&worker, &crew, main_thread] {
      worker->run();
      crew.running.fetch_sub(1);
      pthread_kill(main_thread, kDoneSignal);
    });
}

std::string progress_line(const Plan& plan, const RunView& view, Duration passed, const Worker::Progress& now,
                          const Worker::Progress& before, Duration between) {
  const double seconds = std::chrono::duration<double>(passed).count();
  const double rate =
      static_cast<double>(now.requests - before.requests) / std::chrono::duration<double>(between).count();
  std::string out = view.label;
  if (plan.duration != kForever) {
    const double whole = std::chrono::duration<double>(plan.duration + plan.warmup).count();
    fmt::format_to(std::back_inserter(out), "{:.0f}s of {:.0f}s  ", seconds, whole);
  } else {
    fmt::format_to(std::back_inserter(out), "{} of {}  ", now.requests, plan.total);
    if (rate > 0 && now.requests < plan.total)
      fmt::format_to(std::back_inserter(out), "{:.0f}s left  ", static_cast<double>(plan.total - now.requests) / rate);
  }
  fmt::format_to(std::back_inserter(out), "{:.0f} requests/s  {} errors", rate, now.failures);
  return out;
}

load::Summary begin_summary(const Plan& plan) {
  load::Summary out;
  out.targets = plan.targets;
  out.protocol = plan.protocol();
  out.open_loop = plan.open_loop();
  out.rate = plan.rate;
  out.connections = plan.connections;
  out.threads = plan.threads;
  out.pipeline = plan.at_once;
  out.slot = plan.slot;
  return out;
}

// What the threads last put on their board, and a word to them to put newer figures there.
void draw(const Screen& screen, const Plan& plan, Crew& crew, Duration passed) {
  load::Summary so_far = begin_summary(plan);
  so_far.tally = crew.board.sum();
  so_far.elapsed = std::max<Duration>(passed - plan.warmup, std::chrono::milliseconds(1));
  const Duration whole = plan.duration == kForever ? kForever : plan.duration + plan.warmup;
  screen.draw(so_far, {passed, whole, plan.total});
  for (auto& worker : crew.workers) worker->report_to(crew.board);
}

// Until every thread has ended. Says which signal ended the run, 0 for none.
int watch(const Plan& plan, const RunView& view, Crew& crew, Pauses& pauses) {
  cli::Progress line(view.progress && !view.screen);
  const Screen screen(view.screen);
  const sigset_t signals = watched_signals();
  const Instant begun = Clock::now();
  Worker::Progress before;
  Instant last = begun;
  int ended_by = 0;
  while (crew.running.load() > 0) {
    const timespec wait{0, std::chrono::nanoseconds(kTick).count()};
    const Instant asleep = Clock::now();
    const int got = sigtimedwait(&signals, nullptr, &wait);
    const Instant now = Clock::now();
    if (got < 0) pauses.note(now - asleep - kTick);
    if (got == SIGINT || got == SIGTERM) {
      ended_by = got;
      for (auto& worker : crew.workers) worker->stop();
    }
    if (now - last < kTick) continue;
    if (screen.shown()) draw(screen, plan, crew, now - begun);
    Worker::Progress sum;
    for (const auto& worker : crew.workers) {
      sum.requests += worker->progress().requests;
      sum.failures += worker->progress().failures;
    }
    line.show(progress_line(plan, view, now - begun, sum, before, now - last));
    before = sum;
    last = now;
  }
  return ended_by;
}

// Takes what threads have sent since the last look, before it is let through.
void forget_done() {
  sigset_t done;
  sigemptyset(&done);
  sigaddset(&done, kDoneSignal);
  const timespec now{};
  while (sigtimedwait(&done, nullptr, &now) > 0) continue;
}

load::Summary sum_up(const Plan& plan, const Crew& crew) {
  load::Summary out = begin_summary(plan);
  Instant begin = Instant::max();
  Instant end = Instant::min();
  for (const auto& worker : crew.workers) {
    begin = std::min(begin, worker->measured_from());
    end = std::max(end, worker->ended());
    out.tally.merge(worker->tally());
  }
  out.elapsed = end - begin;
  return out;
}

// Each connection needs a descriptor; the soft limit is raised as far as it goes.
Status raise_descriptors(const Plan& plan) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  const auto wanted = static_cast<rlim_t>(plan.connections) * plan.origins.size() + 64;
  if (limit.rlim_cur >= wanted) return {};
  if (limit.rlim_max < wanted)
    return self_error(ErrorKind::kUsage,
                      fmt::format("{} connections are more than the {} descriptors a process may have; "
                                  "ask for fewer, or raise ulimit -n",
                                  plan.connections, limit.rlim_max));
  limit.rlim_cur = wanted;
  setrlimit(RLIMIT_NOFILE, &limit);
  return {};
}

}  // namespace

int last_signal() noexcept { return g_signal; }

Status reach(const Plan& plan) {
  RPX_TRY_VOID(raise_descriptors(plan));
  for (const Origin& origin : plan.origins) {
    rt::Loop loop;
    rt::TaskGroup tasks(loop);
    Status outcome;
    tasks.spawn(try_origin(loop, origin, Clock::now() + plan.timeout, outcome));
    while (tasks.size() != 0) loop.run_once(std::chrono::milliseconds(100));
    if (!outcome) {
      Error error = outcome.error();
      error.detail = fmt::format("cannot reach {}: {}", origin.url, error.detail);
      return std::unexpected(std::move(error));
    }
  }
  return {};
}

Result<load::Summary> execute(const Plan& plan, const RunView& view) {
  const sigset_t signals = watched_signals();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  Result<load::Summary> out = load::Summary{};
  try {
    Shared shared;
    Pauses pauses;
    const WallTime started = std::chrono::system_clock::now();
    const Machine machine = Machine::look();
    Crew crew(plan.threads);
    hire(plan, shared, Clock::now(), crew);
    g_signal = watch(plan, view, crew, pauses);
    for (std::thread& thread : crew.threads) thread.join();
    forget_done();
    out = sum_up(plan, crew);
    out->started = started;
    if (g_signal != 0) out->interrupted = g_signal == SIGINT ? "SIGINT" : "SIGTERM";
    add_warnings(*out, machine, pauses);
  } catch (const std::system_error& error) {
    out = self_error(ErrorKind::kIo, error.what());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return out;
}

}  // namespace rpx::bench
