// Ends the wait of a request whose client goes away: for pauses and queues, where nobody reads the client's connection.
// On the loop's thread.
#pragma once

#include "base/error.h"
#include "net/stream.h"
#include "rt/event.h"

namespace rpx::upstream {

/// Whom a request that waits is for.
struct WaitingClient {
  WaitingClient(net::Stream* connection, bool waits_on = true) noexcept
      : stream(connection), waits_half_closed(waits_on) {}

  bool is_gone() const noexcept {
    return stream && (stream->io().hung_up() || (!waits_half_closed && stream->io().peer_closed()));
  }
  /// Why nobody waits any more.
  Error error() const {
    if (stream->io().hung_up()) return {ErrorKind::kReset, Side::kClient, "the client went away"};
    return {ErrorKind::kClosed, Side::kClient, "the client closed its side while its request waited"};
  }

  net::Stream* stream;     ///< null: nobody, or one of many on its connection
  bool waits_half_closed;  ///< one that has closed its sending side is there still
};

class GoneWatch final : rt::Waiter {
 public:
  /// `event` is notified when `client` is gone; who has gone before is not told of again.
  GoneWatch(WaitingClient client, rt::Event& event) : client_(client), event_(event) { watch(); }
  ~GoneWatch() {
    if (client_.stream) client_.stream->io().clear_read_waiter(this);
  }
  GoneWatch(const GoneWatch&) = delete;
  GoneWatch& operator=(const GoneWatch&) = delete;

 private:
  void watch() {
    if (client_.stream) client_.stream->io().set_read_waiter(this);
  }
  void wake() override {
    // Else there are more requests, which can wait too.
    if (client_.is_gone())
      event_.notify_all();
    else
      watch();
  }
  WaitingClient client_;
  rt::Event& event_;
};

}  // namespace rpx::upstream
