// Worker: one thread of a run, with an event loop of its own, its share of the connections and of the rate, and a
// tally. Connections ask it what to send next and tell it what became of that. Its own thread, but for progress() and
// stop().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "board.h"
#include "load/arrivals.h"
#include "load/tally.h"
#include "plan.h"
#include "rt/alarm.h"
#include "rt/event.h"
#include "rt/group.h"
#include "rt/loop.h"

namespace rpx::bench {

/// A connection of a run, or what speaks for it.
class Client {
 public:
  virtual ~Client() = default;
  Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  /// Until the worker has nothing more to do.
  virtual rt::Task<void> run() = 0;
};

/// One request on its way.
struct Job {
  const load::Request* request = nullptr;
  Instant due;   ///< when it should have been sent; in a closed loop when it was
  Instant sent;  ///< when a connection took it
};

/// What the threads of a run share.
struct Shared {
  std::atomic<std::uint64_t> sequence{0};  ///< for {{seq}}, and the place in a replay
};

/// A thread's part of the whole.
struct Share {
  int index = 0;
  int threads = 1;
  int connections = 1;
  std::uint64_t total = 0;  ///< requests; 0 = no bound
  Instant begin;            ///< of the run, warm-up included
};

class Worker {
 public:
  /// `plan` and `shared` outlive it.
  Worker(const Plan& plan, Shared& shared, const Share& share);

  /// The thread's body: returns when time is up, everything is done, or stop() was called.
  void run();
  /// Ends the run as if time were up. Any thread.
  void stop();

  struct Progress {
    std::uint64_t requests = 0;
    std::uint64_t failures = 0;
  };
  /// So far. Any thread.
  Progress progress() const noexcept;
  /// Has the thread put what it has measured so far on `board`, which outlives the worker, soon. Any thread.
  void report_to(Board& board);

  /// For the connections.
  const Plan& plan() const noexcept { return plan_; }
  rt::Loop& loop() noexcept { return loop_; }
  load::Tally& tally() noexcept { return tally_; }
  rt::Event& idle() noexcept { return idle_; }
  /// The next request, where one is due at `now`.
  bool take(Instant now, Job& job);
  /// Whether take() may give anything later on.
  bool open() const noexcept { return !closed_; }
  /// Appends `request` with its places filled.
  void write(const load::Request& request, std::string& out, std::string_view cookies);
  load::Fill fill_for(const load::Request& request);
  /// Before waiting for idle(): sees to it that the connection is woken when something is due.
  void will_wait();
  /// By a connection that was woken and cannot take what is due: the next one is.
  void pass_on();
  /// A reply has come whole; with `verdict` where it is not as wanted.
  void finished(const Job& job, std::uint16_t status, const load::Verdict& verdict, Instant now);
  /// A request has failed, or could not be made.
  void failed(const Job& job, load::Failure failure, std::string_view detail, Instant now);
  void received(std::size_t bytes) noexcept;
  /// Measured from here on, the thread's CPU included.
  Instant measured_from() const noexcept { return begin_; }
  Instant ended() const noexcept { return ended_; }
  /// Requests under way on a connection when the run ended are counted by its destructor.
  bool counts_unfinished() const noexcept { return counting_; }

 private:
  rt::Task<void> supervise();
  rt::Task<void> pace();
  rt::Task<void> stay_awake();
  bool take_quota();
  bool pop_due(Instant now, Instant& due);
  void finish_open_loop();
  load::Slot& slot_at(Instant now);

  const Plan& plan_;
  Shared& shared_;
  Share share_;
  rt::Loop loop_;
  load::Tally tally_;
  load::Random random_;
  load::Mix mix_;
  load::Arrivals arrivals_;
  rt::Event idle_;
  rt::Event closing_;
  rt::Event wanted_;  // somebody has begun to wait for what is due next
  std::optional<rt::Alarm> alarm_;
  Instant begin_;
  Instant end_ = Instant::max();
  Instant ended_;
  Instant slot_end_;
  std::size_t slot_ = 0;
  std::uint64_t left_ = 0;
  Duration cpu_before_{};
  Duration worked_{};  ///< of a thread that stays awake
  std::size_t replay_at_ = 0;
  std::vector<Instant> handed_;  // due, a waiting connection on its way to take them; used from handed_at_ on
  std::size_t handed_at_ = 0;
  int waiting_ = 0;
  bool closed_ = false;
  bool counting_ = false;
  bool stopped_ = false;
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::vector<std::unique_ptr<Client>> clients_;
  rt::TaskGroup tasks_;
};

}  // namespace rpx::bench
