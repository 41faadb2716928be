// A few threads that accept on one listening socket and serve what they accepted, one connection each at a time. Poco's
// own TCPServer wakes four times a second and can miss its stop for ten; these sleep in accept and end at once. Owned
// by control::Server.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/error.h"
#include "net/fd.h"

namespace rpx::control {

class Acceptor {
 public:
  /// `serve` is called on one of the threads with a connected descriptor, which it closes. `listening_fd`, which does
  /// not block, is borrowed; another process may listen with it too.
  Acceptor(int listening_fd, std::function<void(int fd)> serve);
  ~Acceptor() { stop(); }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// Errors: kInternal when no thread can be started.
  Status start();
  /// Accepts no more, shuts what is connected down and returns when all threads have ended.
  void stop() noexcept;

 private:
  void run();
  void serve(int fd);
  bool pause();

  int fd_;
  rpx::net::UniqueFd stop_;  ///< eventfd: it is time to end
  std::function<void(int)> serve_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::set<int> connected_;
  std::vector<std::thread> threads_;
};

}  // namespace rpx::control
