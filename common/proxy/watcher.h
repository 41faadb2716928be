// Watcher: the thread that looks after what is read from outside the configuration while it is in use, such as files of
// passwords. It runs from the first time there is anything to look at. Owned by the server; its functions are called by
// control threads.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "policy/watched.h"

namespace rpx::proxy {

class Watcher {
 public:
  Watcher() = default;
  ~Watcher() { stop(); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// From now on these, and no others.
  void watch(std::vector<std::shared_ptr<policy::Watched>> those);
  /// Ends it; returns when nothing is looked at any more.
  void stop();

 private:
  void follow();

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<std::shared_ptr<policy::Watched>> watched_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace rpx::proxy
