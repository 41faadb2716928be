// Ends the wait of a request whose client goes away: for pauses and queues, where nobody reads the client's connection.
// On the loop's thread.
#pragma once

#include "net/stream.h"
#include "rt/event.h"

namespace rpx::upstream {

class GoneWatch final : rt::Waiter {
 public:
  /// `event` is notified when `client` (null: nobody) is gone.
  GoneWatch(net::Stream* client, rt::Event& event) : client_(client), event_(event) { watch(); }
  ~GoneWatch() {
    if (client_) client_->io().clear_read_waiter(this);
  }
  GoneWatch(const GoneWatch&) = delete;
  GoneWatch& operator=(const GoneWatch&) = delete;

 private:
  void watch() {
    if (client_) client_->io().set_read_waiter(this);
  }
  void wake() override {
    // More requests, or a client that has only closed its sending side: go on.
    if (client_->io().hung_up())
      event_.notify_all();
    else
      watch();
  }
  net::Stream* client_;
  rt::Event& event_;
};

}  // namespace rpx::upstream
