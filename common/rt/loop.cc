#include "rt/loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include "base/check.h"

namespace rpx::rt {

Loop::Loop() : now_(std::chrono::steady_clock::now()), timers_(now_), pace_(now_) {
  soon_.next_ = soon_.prev_ = &soon_;
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ < 0 || wake_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
    const int code = errno;
    if (epoll_ >= 0) close(epoll_);
    if (wake_ >= 0) close(wake_);
    throw std::system_error(code, std::generic_category(), "event loop");
  }
}

Loop::~Loop() {
  soon_.next_->prev_ = soon_.prev_;
  soon_.prev_->next_ = soon_.next_;
  soon_.next_ = soon_.prev_ = nullptr;
  close(wake_);
  close(epoll_);
}

void Loop::run() {
  while (!stopped_.load(std::memory_order_acquire)) run_once(std::chrono::minutes(1));
}

void Loop::run_once(Duration longest) {
  run_soon();
  timers_.advance(now_);
  Duration wait = soon_.next_ != &soon_ ? Duration::zero() : longest;
  if (wait != Duration::zero())
    if (const auto next = timers_.until_next(now_)) wait = std::min(wait, *next);
  const int count = wait_for_events(wait);
  now_ = std::chrono::steady_clock::now();
  pace_.count_round(std::max(count, 0), now_);
  if (count > 0) dispatch(count);
}

int Loop::wait_for_events(Duration longest) {
  const auto wait = [this](Duration most) {
    const auto ms = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(most).count());
    return epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), ms);
  };
  const Duration pause = std::min(pace_.pause(), longest);
  if (pause > Duration::zero()) {
    // What is there already waits for nothing.
    if (const int count = wait(Duration::zero()); count != 0) return count;
    // Calls of other threads alone end it sooner.
    pollfd posted{.fd = wake_, .events = POLLIN, .revents = 0};
    const timespec time{.tv_sec = 0, .tv_nsec = pause.count()};
    ppoll(&posted, 1, &time, nullptr);
  }
  return wait(longest);
}

void Loop::dispatch(int count) {
  batch_ = count;
  for (at_ = 0; at_ < batch_;) {
    const epoll_event event = events_[static_cast<std::size_t>(at_++)];
    fetch_ahead();
    if (!event.data.ptr) {
      run_posted();
      continue;
    }
    static_cast<Pollable*>(event.data.ptr)->on_events(event.events);
  }
  batch_ = at_ = 0;
}

// What the next events will need is cold: it is asked for while this one is handled.
void Loop::fetch_ahead() const noexcept {
  const auto next = static_cast<std::size_t>(at_);
  if (at_ + 1 < batch_) __builtin_prefetch(events_[next + 1].data.ptr);
  if (at_ >= batch_ || !events_[next].data.ptr) return;
  const Waiter* const waits = static_cast<const Pollable*>(events_[next].data.ptr)->reader_;
  if (!waits) return;
  // It lies in the frame of a coroutine, which will go on with what is around.
  constexpr std::ptrdiff_t kLine = 64;
  const char* const at = reinterpret_cast<const char*>(waits);
  for (std::ptrdiff_t line = -3; line < 3; ++line) __builtin_prefetch(at + line * kLine);
}

void Loop::stop() {
  stopped_.store(true, std::memory_order_release);
  post([] {});
}

void Loop::post(std::function<void()> call) {
  {
    const std::scoped_lock lock(mutex_);
    posted_.push_back(std::move(call));
  }
  const std::uint64_t one = 1;
  // The counter cannot overflow in practice; a full one wakes the loop all the same.
  [[maybe_unused]] const auto written = write(wake_, &one, sizeof one);
}

void Loop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(wake_, &count, sizeof count);
  std::vector<std::function<void()>> calls;
  {
    const std::scoped_lock lock(mutex_);
    calls.swap(posted_);
  }
  for (const auto& call : calls) call();
}

void Loop::soon(Soon& soon) noexcept {
  if (soon.next_) return;
  soon.next_ = &soon_;
  soon.prev_ = soon_.prev_;
  soon_.prev_->next_ = &soon;
  soon_.prev_ = &soon;
}

void Loop::run_soon() {
  if (soon_.next_ == &soon_) return;
  // Only what is queued now: what queues itself again waits for the next round, so that I/O is not starved.
  Head batch;
  batch.next_ = soon_.next_;
  batch.prev_ = soon_.prev_;
  batch.next_->prev_ = &batch;
  batch.prev_->next_ = &batch;
  soon_.next_ = soon_.prev_ = &soon_;
  while (batch.next_ != &batch) {
    Soon& first = *batch.next_;
    first.dequeue();
    first.run();
  }
  batch.next_ = batch.prev_ = nullptr;
}

void Loop::watch(Pollable& io) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &io}};
  // Fails only for a descriptor that is no longer open or without memory: the waiter would hang, so stop here.
  RPX_CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, io.fd(), &event) == 0);
}

void Loop::forget(Pollable& io) noexcept {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, io.fd(), nullptr);
  if (current_ == &io) current_ = nullptr;
  // Events of this round that still name it must not be delivered.
  for (int i = at_; i < batch_;) {
    if (events_[static_cast<std::size_t>(i)].data.ptr == &io)
      events_[static_cast<std::size_t>(i)] = events_[static_cast<std::size_t>(--batch_)];
    else
      ++i;
  }
}

void Pollable::unwatch() noexcept {
  if (!std::exchange(watched_, false)) return;
  loop_.forget(*this);
}

void Pollable::watch() {
  if (watched_) return;
  loop_.watch(*this);
  watched_ = true;
}

void Pollable::set_read_waiter(Waiter* waiter) { wait_to_read(*waiter, Instant::max()); }

void Pollable::wait_to_read(Waiter& waiter, Instant deadline) {
  RPX_CHECK(!reader_);  // one reader a descriptor
  reader_ = &waiter;
  read_deadline_ = deadline;
  cause_ = Wake::kReady;
  if (deadline != Instant::max()) loop_.timers().arm_by(*this, deadline);
  watch();
}

void Pollable::fire() {
  if (!reader_ || read_deadline_ == Instant::max()) return;
  if (loop_.now() < read_deadline_) {
    loop_.timers().arm(*this, read_deadline_);
    return;
  }
  cause_ = Wake::kTimeout;
  std::exchange(reader_, nullptr)->wake();
}

void Pollable::interrupt_read() {
  if (!reader_) return;
  cause_ = Wake::kInterrupted;
  std::exchange(reader_, nullptr)->wake();
}

void Pollable::on_events(std::uint32_t events) {
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  if (events & EPOLLRDHUP) peer_closed_ = true;
  if (events & (EPOLLHUP | EPOLLERR)) hung_up_ = true;
  // Whoever is woken may destroy this object; forget() then clears current_.
  Loop& loop = loop_;
  loop.current_ = this;
  if (readable_ && reader_) std::exchange(reader_, nullptr)->wake();
  if (loop.current_ == this && writable_ && writer_) std::exchange(writer_, nullptr)->wake();
  loop.current_ = nullptr;
}

void Pollable::Readable::wake() {
  result_ = io_.cause_;
  std::exchange(waiting_, {}).resume();
}

Pollable::Writable::~Writable() {
  if (waiting_ && io_.writer_ == this) io_.writer_ = nullptr;
}

void Pollable::Writable::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  RPX_CHECK(!io_.writer_);  // one writer a descriptor
  io_.writer_ = this;
  if (deadline_ != Instant::max()) io_.loop_.timers().arm(*this, deadline_);
  io_.watch();
}

void Pollable::Writable::wake() {
  disarm();
  std::exchange(waiting_, {}).resume();
}

void Pollable::Writable::fire() {
  io_.writer_ = nullptr;
  result_ = Wake::kTimeout;
  std::exchange(waiting_, {}).resume();
}

}  // namespace rpx::rt
