// H2Link: what the two ends of HTTP/2 have in common: a connection beneath an nghttp2 session, whose frames go out in
// one write at the end of a round of the loop. H2Session (of a client) and H2Client (to a server) are made of it. One
// thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/stream.h"
#include "rt/child.h"

namespace rpx::http {

class H2Link {
 public:
  H2Link(const H2Link&) = delete;
  H2Link& operator=(const H2Link&) = delete;
  nghttp2_session* session() const noexcept { return session_; }
  rt::Loop& loop() const noexcept { return stream_.io().loop(); }
  /// Bytes of bodies that the peer may be sent now, over all streams, and that are not waiting yet; negative when more
  /// are. None while the socket is full.
  std::int64_t room() const noexcept {
    return (blocked_ ? 0 : nghttp2_session_get_remote_window_size(session_)) - pending_;
  }
  void add_pending(std::int64_t bytes) noexcept { pending_ += bytes; }
  /// A body of a stream has been read as fast as it came: more of it may come at once from now on, `window` bytes.
  void widen(std::int32_t stream, std::int32_t window) noexcept;
  /// What was said to the session goes out at the end of this round.
  void queue_turn() noexcept { loop().soon(turn_); }

 protected:
  /// `stream` outlives it. A `peer` that takes no byte for `write_timeout` is given up. It may send `window` bytes of
  /// bodies before one was read, over all streams.
  H2Link(net::Stream& stream, Side peer, Duration write_timeout, std::int32_t window);
  ~H2Link();

  /// At the end of a round in which something was said.
  virtual void take_turn() = 0;
  void flush();
  /// Begins to wait for the socket where it is full.
  void start_writing() { writer_.start(keep_writing()); }
  void stop_writing() noexcept { writer_.cancel(); }
  bool written() const noexcept { return out_at_ == out_.size(); }
  /// The connection is of no use any more; the first reason stays.
  void fail(Error error) noexcept;
  /// Hands `bytes` of the peer to the session. Errors: kBadRequest or kBadResponse, by side.
  Status take(std::string_view bytes);
  bool wants_nothing() const noexcept;

  net::Stream& stream_;
  const Side peer_;
  nghttp2_session* session_ = nullptr;  // made by who derives, ended here
  std::optional<Error> failure_;

  /// What is due at the end of a round of the loop: one write for all streams.
  struct Turn final : rt::Soon {
    explicit Turn(H2Link& owner) noexcept : link(owner) {}
    void run() override { link.take_turn(); }
    H2Link& link;
  };
  Turn turn_;

 private:
  rt::Task<Status> keep_writing();
  bool gather(std::string& frames);
  std::size_t write(std::string_view bytes);
  const Duration write_timeout_;
  std::string out_;  // frames the socket did not take
  std::size_t out_at_ = 0;
  std::int64_t pending_ = 0;  // of all bodies, not in a frame yet
  std::int32_t window_;       // of the connection
  bool blocked_ = false;
  rt::Event to_write_;
  rt::Child<Status> writer_;
};

}  // namespace rpx::http
