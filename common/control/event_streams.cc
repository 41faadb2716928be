#include "control/event_streams.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace rpx::control {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
// So much is made ready at a time; the rest waits in the queue, which has its bound.
constexpr std::size_t kAtOnce = 64 * 1024;
// A comment now and then shows either side that the other is there.
constexpr std::chrono::seconds kHeartbeat{15};

void append_event(std::string& out, const Event& event) {
  out += fmt::format("event: {}\nid: {}\ndata: {}\n\n", name_of(event.kind), event.id, event.json);
}

}  // namespace

struct EventStreams::Listener {
  Listener(int socket, const EventsWanted& wanted, std::function<void()> wake)
      : fd(socket), queue(wanted.kinds, wanted.last_id, std::move(wake)) {}
  ~Listener() { ::close(fd); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void fill();
  /// False when the other end has gone.
  bool send_some(Clock::time_point now);

  int fd;
  EventQueue queue;
  std::string out{kHead};
  bool more = false;  ///< the queue held more than was made ready; it tells only of what comes into an empty one
  Clock::time_point moved = Clock::now();  ///< when something was last sent
};

void EventStreams::Listener::fill() {
  more = true;
  while (out.size() < kAtOnce) {
    const EventQueue::Pointer event = queue.take();
    more = event != nullptr;
    if (!more) break;
    append_event(out, *event);
  }
  if (const std::uint64_t lost = queue.take_dropped(); lost != 0)
    out += fmt::format("event: dropped\ndata: {{\"kind\":\"dropped\",\"dropped\":{}}}\n\n", lost);
}

bool EventStreams::Listener::send_some(Clock::time_point now) {
  while (!out.empty()) {
    const ssize_t sent = ::send(fd, out.data(), out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    out.erase(0, static_cast<std::size_t>(sent));
    moved = now;
  }
  return true;
}

EventStreams::EventStreams() : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

EventStreams::~EventStreams() { stop(); }

void EventStreams::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof(one));
}

Status EventStreams::adopt(int fd, const EventsWanted& wanted) {
  auto listener = std::make_unique<Listener>(fd, wanted, [this] { wake(); });
  const std::scoped_lock lock(mutex_);
  if (stopping_) return self_error(ErrorKind::kDraining, "the proxy is stopping");
  if (count_ >= kMostListeners)
    return self_error(ErrorKind::kOverload, fmt::format("{} listen already", kMostListeners));
  try {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return self_error(ErrorKind::kInternal, std::string("a thread for events cannot be started: ") + error.what());
  }
  ++count_;
  added_.push_back(std::move(listener));
  wake();
  return {};
}

void EventStreams::stop() noexcept {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    wake();
  }
  if (thread_.joinable()) thread_.join();
  added_.clear();
  ::close(wake_fd_);
}

// False when it is to be closed.
bool EventStreams::serve(Listener& listener, Clock::time_point now) const {
  char ignored[256];
  const ssize_t read = ::recv(listener.fd, ignored, sizeof(ignored), MSG_DONTWAIT);
  if (read == 0 || (read < 0 && errno != EAGAIN && errno != EINTR)) return false;
  const bool waited = !listener.out.empty();
  listener.fill();
  if (listener.out.empty() && now - listener.moved >= kHeartbeat) listener.out = ": still here\n\n";
  if (!waited && !listener.out.empty()) listener.moved = now;
  if (!listener.send_some(now)) return false;
  return listener.out.empty() || now - listener.moved < kPatience;
}

void EventStreams::run() {
  pthread_setname_np(pthread_self(), "rpx-events");
  for (;;) {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) break;
      std::ranges::move(added_, std::back_inserter(listeners_));
      added_.clear();
    }
    const auto now = Clock::now();
    std::erase_if(listeners_, [&](const auto& listener) { return !serve(*listener, now); });
    {
      const std::scoped_lock lock(mutex_);
      count_ = listeners_.size() + added_.size();
    }
    std::vector<pollfd> watched{{.fd = wake_fd_, .events = POLLIN, .revents = 0}};
    int patience = listeners_.empty() ? -1 : 15'000;
    for (const auto& listener : listeners_) {
      const bool waits = !listener->out.empty();
      if (waits) patience = std::min(patience, 1'000);
      if (!waits && listener->more) patience = 0;
      watched.push_back(
          {.fd = listener->fd, .events = static_cast<short>(POLLIN | (waits ? POLLOUT : 0)), .revents = 0});
    }
    ::poll(watched.data(), watched.size(), patience);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = ::read(wake_fd_, &count, sizeof(count));
  }
  // What has been published is still sent as far as it goes; nobody is waited for.
  for (const auto& listener : listeners_) {
    listener->fill();
    listener->send_some(Clock::now());
  }
  listeners_.clear();
}

}  // namespace rpx::control
