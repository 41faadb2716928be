// Ticker: a thread that looks at something now and then, until it is stopped. Owned by the server; the function runs on
// the ticker's thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace rpx::proxy {

class Ticker {
 public:
  /// `name` is the thread's, of 15 bytes at most.
  Ticker(std::string name, std::function<void()> look) : name_(std::move(name)), look_(std::move(look)) {}
  ~Ticker() { stop(); }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  /// Begins, if it has not. From one thread at a time.
  void start();
  /// Ends it, when the function has returned.
  void stop();

 private:
  void run();
  const std::string name_;
  const std::function<void()> look_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace rpx::proxy
