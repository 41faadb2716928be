#include "worker.h"

#include <time.h>

#include "h1_client.h"
#include "h2_client.h"

namespace rpx::bench {
namespace {

using Clock = std::chrono::steady_clock;

// What keeps one moment of a run from taking memory without end.
constexpr std::size_t kMostSlots = 3600;

// A round of a loop that stays awake and finds nothing to do takes less.
constexpr Duration kIdleRound = std::chrono::microseconds(3);

Duration thread_cpu() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

double rate_of(const Plan& plan, const Share& share) noexcept {
  return plan.open_loop() ? plan.rate / share.threads : 1.0;
}

Duration offset_of(const Plan& plan, const Share& share) noexcept {
  // Threads of a constant rate take turns.
  if (!plan.open_loop() || plan.arrivals != load::ArrivalKind::kConstant) return Duration::zero();
  return Duration(static_cast<std::int64_t>(1e9 / plan.rate * share.index));
}

load::Arrivals arrivals_of(const Plan& plan, const Share& share, std::uint64_t seed) noexcept {
  if (plan.replays())
    return {plan.times, static_cast<std::size_t>(share.index), static_cast<std::size_t>(share.threads), share.begin};
  return {plan.arrivals, rate_of(plan, share), share.begin, offset_of(plan, share), seed};
}

}  // namespace

Worker::Worker(const Plan& plan, Shared& shared, const Share& share)
    : plan_(plan),
      shared_(shared),
      share_(share),
      random_(plan.seed * 1000003 + static_cast<std::uint64_t>(share.index)),
      mix_(plan.requests),
      arrivals_(arrivals_of(plan, share, random_.next())),
      idle_(loop_),
      closing_(loop_),
      wanted_(loop_),
      begin_(share.begin),
      slot_end_(share.begin + plan.slot),
      left_(share.total),
      replay_at_(static_cast<std::size_t>(share.index)),
      tasks_(loop_) {
  tally_.series.resize(1);
  if (plan.open_loop()) alarm_.emplace(loop_);
}

void Worker::run() {
  cpu_before_ = thread_cpu();
  if (plan_.duration != kForever) end_ = begin_ + plan_.warmup + plan_.duration;
  rt::TaskGroup own(loop_);
  for (int i = 0; i < share_.connections; ++i) {
    const auto number =
        static_cast<std::size_t>(share_.index) + static_cast<std::size_t>(i) * static_cast<std::size_t>(share_.threads);
    if (plan_.http2)
      clients_.push_back(std::make_unique<H2Client>(*this, number));
    else
      clients_.push_back(std::make_unique<H1Client>(*this, number));
    tasks_.spawn(clients_.back()->run());
  }
  if (plan_.open_loop()) own.spawn(pace());
  own.spawn(supervise());
  if (plan_.awake) own.spawn(stay_awake());
  loop_.run();
  tally_.cpu = plan_.awake ? worked_ : thread_cpu() - cpu_before_;
}

void Worker::stop() {
  loop_.post([this] {
    stopped_ = true;
    closing_.notify_all();
  });
}

rt::Task<void> Worker::supervise() {
  if (plan_.warmup > Duration::zero()) {
    // What was measured while caches and connections were cold is dropped.
    co_await closing_.wait(begin_ + plan_.warmup);
    tally_ = load::Tally{};
    tally_.series.resize(1);
    slot_ = 0;
    begin_ = Clock::now();
    slot_end_ = begin_ + plan_.slot;
    cpu_before_ = thread_cpu();
    worked_ = {};
  }
  if (!stopped_ && !closed_) co_await closing_.wait(end_);
  // Everything has been given out: the rest is on its way.
  if (!stopped_ && closed_ && tasks_.size() != 0)
    co_await tasks_.empty().wait(std::min(end_, Clock::now() + plan_.timeout));
  closed_ = true;
  ended_ = plan_.open_loop() ? std::min(end_, Clock::now()) : Clock::now();
  idle_.notify_all();
  if (plan_.open_loop() && !stopped_ && tasks_.size() != 0) co_await tasks_.empty().wait(Clock::now() + plan_.timeout);
  if (plan_.open_loop() && share_.total == 0) finish_open_loop();
  counting_ = true;
  tasks_.cancel_all();
  clients_.clear();
  loop_.stop();
}

// The loop does not sleep as long as somebody yields.
rt::Task<void> Worker::stay_awake() {
  for (Instant before = Clock::now();;) {
    co_await loop_.yield();
    const Instant now = Clock::now();
    if (now - before > kIdleRound) worked_ += now - before;
    before = now;
  }
}

// What was due and never sent took at least until now: to leave it out would be to look away from the worst.
void Worker::finish_open_loop() {
  for (; arrivals_.next() < ended_; arrivals_.pop()) {
    ++tally_.unsent;
    tally_.latency.record(static_cast<std::uint64_t>((ended_ - arrivals_.next()).count()));
  }
}

// Gives what is due to those who wait for it.
rt::Task<void> Worker::pace() {
  for (;;) {
    while (waiting_ == 0 || closed_ || arrivals_.next() >= end_) co_await wanted_.wait();
    co_await alarm_->sleep_until(arrivals_.next());
    const Instant now = Clock::now();
    for (Instant due; waiting_ > 0 && pop_due(now, due);) {
      tally_.lag.record(static_cast<std::uint64_t>((now - due).count()));
      handed_.push_back(due);
      --waiting_;
      idle_.notify_one();
    }
  }
}

void Worker::will_wait() {
  if (!plan_.open_loop()) return;
  ++waiting_;
  wanted_.notify_one();
}

void Worker::pass_on() {
  if (handed_at_ == handed_.size() || waiting_ == 0) return;
  --waiting_;
  idle_.notify_one();
}

void Worker::report_to(Board& board) {
  loop_.post([this, &board] { board.put(static_cast<std::size_t>(share_.index), tally_); });
}

// One of the requests that are to be made in all, where that is bounded.
bool Worker::take_quota() {
  if (share_.total == 0) return true;
  if (left_ == 0) return false;
  if (--left_ == 0) {
    closed_ = true;
    closing_.notify_all();
    idle_.notify_all();
  }
  return true;
}

bool Worker::pop_due(Instant now, Instant& due) {
  if (closed_ || arrivals_.next() > now || arrivals_.next() >= end_ || !take_quota()) return false;
  due = arrivals_.next();
  arrivals_.pop();
  return true;
}

bool Worker::take(Instant now, Job& job) {
  Instant due = now;
  if (!plan_.open_loop()) {
    if (closed_ || !take_quota()) return false;
  } else if (handed_at_ < handed_.size()) {
    due = handed_[handed_at_++];
    if (handed_at_ == handed_.size()) {
      handed_.clear();
      handed_at_ = 0;
    }
  } else if (!pop_due(now, due)) {
    return false;
  }
  // Requests are taken in the order in which they are due.
  const load::Request* request = nullptr;
  if (plan_.replays()) {
    request = &plan_.requests[replay_at_];
    replay_at_ += static_cast<std::size_t>(share_.threads);
  } else {
    request = &mix_.pick(random_);
  }
  job = {request, due, now};
  ++tally_.sent;
  return true;
}

load::Fill Worker::fill_for(const load::Request& request) {
  load::Fill fill{0, &random_, nullptr};
  if (request.fixed()) return fill;
  fill.seq = shared_.sequence.fetch_add(1, std::memory_order_relaxed) + 1;
  if (request.uses_feed()) fill.row = &const_cast<load::Feed&>(plan_.feed).take();
  return fill;
}

void Worker::write(const load::Request& request, std::string& out, std::string_view cookies) {
  request.write(out, fill_for(request), cookies);
}

load::Slot& Worker::slot_at(Instant now) {
  while (now >= slot_end_ && slot_ + 1 < kMostSlots && now < end_) {
    ++slot_;
    slot_end_ += plan_.slot;
    tally_.series.emplace_back();
  }
  return tally_.series[slot_];
}

void Worker::finished(const Job& job, std::uint16_t status, const load::Verdict& verdict, Instant now) {
  const auto latency = static_cast<std::uint64_t>((now - job.due).count());
  load::Slot& slot = slot_at(now);
  tally_.latency.record(latency);
  if (plan_.open_loop()) tally_.raw.record(static_cast<std::uint64_t>((now - job.sent).count()));
  ++tally_.requests;
  ++tally_.classes[status < 600 ? status / 100 : 0];
  ++slot.requests;
  slot.latency.record(latency);
  requests_.store(tally_.requests, std::memory_order_relaxed);
  if (!verdict.failure) return;
  ++slot.failures;
  tally_.fail(*verdict.failure, verdict.detail);
  failures_.fetch_add(1, std::memory_order_relaxed);
}

void Worker::failed(const Job&, load::Failure failure, std::string_view detail, Instant now) {
  ++slot_at(now).failures;
  tally_.fail(failure, detail);
  failures_.fetch_add(1, std::memory_order_relaxed);
}

void Worker::received(std::size_t bytes) noexcept {
  tally_.bytes_in += bytes;
  tally_.series[slot_].bytes += bytes;
}

Worker::Progress Worker::progress() const noexcept {
  return {requests_.load(std::memory_order_relaxed), failures_.load(std::memory_order_relaxed)};
}

}  // namespace rpx::bench
