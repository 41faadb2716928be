// The connections of those who listen to events (server-sent events, WHATWG HTML section 9.2): one thread serves all of
// them, so that a listener holds none of the threads that answer calls, and one that does not read keeps nobody
// waiting: its events are dropped and counted, and after a while it is cut. Owned by control::Server.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"
#include "control/message.h"

namespace rpx::control {

class EventStreams {
 public:
  static constexpr std::size_t kMostListeners = 64;
  /// A listener that takes nothing for so long is cut.
  static constexpr std::chrono::seconds kPatience{10};

  EventStreams();
  /// Closes them all.
  ~EventStreams();
  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;

  /// Serves `fd`, a connected socket that becomes ours, from the reply's head on. Any thread. Errors: kOverloaded when
  /// there are too many already, kInternal when it cannot be served; then `fd` is closed.
  Status adopt(int fd, const EventsWanted& wanted);
  void stop() noexcept;

 private:
  struct Listener;
  void run();
  void wake() noexcept;
  bool serve(Listener& listener, std::chrono::steady_clock::time_point now) const;

  int wake_fd_;
  std::mutex mutex_;  // guards what follows, but for the listeners, which are the thread's
  std::vector<std::unique_ptr<Listener>> added_;
  std::size_t count_ = 0;
  bool stopping_ = false;
  std::thread thread_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace rpx::control
