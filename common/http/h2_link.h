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
  /// What was said to the session goes out at the end of this round.
  void queue_turn() noexcept { loop().soon(turn_); }

 protected:
  /// `stream` outlives it. A `peer` that takes no byte for `write_timeout` is given up.
  H2Link(net::Stream& stream, Side peer, Duration write_timeout);
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
  const Duration write_timeout_;
  std::string out_;  // frames the socket did not take
  std::size_t out_at_ = 0;
  bool blocked_ = false;
  rt::Event to_write_;
  rt::Child<Status> writer_;
};

}  // namespace rpx::http
