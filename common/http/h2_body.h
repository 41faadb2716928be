// H2Body: the two bodies of one stream of HTTP/2: what the peer sends, as a source, and what it is sent, as a sink.
// Held are at most the window that the peer was given, which begins small and grows while the body is read as fast as
// it comes, and of what goes out little more than the peer's own windows let through. H2Stream (of a client) and H2Call
// (to a server) are made of it; their sessions feed it. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "http/body.h"
#include "http/h2_link.h"
#include "http/limits.h"
#include "rt/event.h"

namespace rpx::http {

class H2Body : public BodySource, public BodySink {
 public:
  // BodySource
  Result<BodyPiece> try_read(std::size_t most) override;
  rt::Task<Status> wait(Duration stall) override;
  const Headers* trailers() const noexcept override { return ended() && !trailers_.empty() ? &trailers_ : nullptr; }
  bool ended() const noexcept override { return received_all_ && at_ == given_.size() && in_.empty(); }
  rt::Loop& loop() noexcept override { return loop_; }
  std::uint64_t received() const noexcept override { return received_; }

  // BodySink
  Result<bool> try_write(std::string_view data, bool end, const Headers* trailers) override;
  Result<bool> try_flush() override;
  rt::Task<Status> drain(Duration stall) override;
  std::uint64_t sent() const noexcept override { return sent_; }
  std::size_t room() const noexcept override;

  // By the session.
  void take_data(std::string_view data) {
    untidy_ = true;
    in_ += data;
  }
  void take_trailer(std::string_view name, std::string_view value, const Limits& limits);
  /// False when the trailers are not acceptable.
  bool complete_trailers(const Limits& limits);
  void take_end() noexcept;
  void take_close() noexcept;
  /// Wakes who waits for what has been taken.
  void tell() noexcept { arrived_.notify_all(); }
  /// A frame that ends the stream has been handed to the connection.
  void take_left() noexcept;
  /// Moves what is pending into a DATA frame; see nghttp2_data_source_read_callback.
  long produce(std::uint8_t* into, std::size_t size, std::uint32_t& flags);
  /// Bytes that the peer has sent and nobody has read.
  std::size_t unread() const noexcept { return in_.size() + given_.size() - at_; }
  bool received_all() const noexcept { return received_all_; }
  bool closed() const noexcept { return closed_; }
  bool left() const noexcept { return left_; }
  bool complete() const noexcept { return complete_; }

 protected:
  /// `peer` is the other side of its connections. Less than `least_rate` bytes a second of a body is too slow; 0:
  /// never.
  H2Body(rt::Loop& loop, Side peer, Size least_rate);
  ~H2Body() override;
  /// Ends the ties to its link, and gives memory back.
  void leave() noexcept;
  /// Begins a stream of `link`, which tells when it ends; all that was before is forgotten.
  void attach(H2Link& link, std::int32_t id) noexcept;
  /// Why a stream that was closed before its end was.
  virtual Error gone() const = 0;
  /// Ends the stream at once.
  void reset(std::uint32_t code) noexcept;
  /// What has not gone out never will.
  void forget_pending() noexcept;
  /// Forgets what has come and was not read, and all trailers.
  void tidy() noexcept;

  rt::Loop& loop_;
  const Side peer_;
  // What nearly every stream needs comes first, and close together.
  bool received_all_ = false;
  bool touched_ = false;
  bool complete_ = false;  // all of what goes out was handed to us
  bool left_ = false;      // and to the connection
  bool closed_ = false;
  bool untidy_ = false;      // some of what the next stream must not find is there: see tidy()
  std::int32_t window_ = 0;  // that the peer was given
  std::int32_t id_ = 0;
  H2Link* link_ = nullptr;  // null before, and when its connection has ended
  Size least_rate_;
  std::uint64_t received_ = 0;
  std::uint64_t most_ = 0;
  std::uint64_t widen_at_ = 0;  // received_ by then, with nothing left unread, is fast
  Duration waited_{};
  std::uint64_t sent_ = 0;
  rt::Event arrived_;
  rt::Event moved_;
  // of the body that goes
  std::size_t out_at_ = 0;
  std::string out_;
  // of the one that comes: what is here, what was handed out
  std::string in_, given_;
  std::size_t at_ = 0;
  std::string trailer_text_;
  Headers trailers_;
  std::vector<std::pair<std::string, std::string>> out_trailers_;

 private:
  std::size_t pending() const noexcept { return out_.size() - out_at_; }
  bool holds_little() const noexcept { return pending() <= room(); }
};

}  // namespace rpx::http
