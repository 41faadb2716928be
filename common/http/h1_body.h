// HTTP/1 bodies over a stream: framing off on the way in, on again on the way out (RFC 9112 sections 6 and 7).
// One thread.
#pragma once

#include <string>

#include "http/body.h"
#include "http/h1_chunked.h"
#include "http/limits.h"
#include "http/message.h"
#include "http/write_wait.h"
#include "net/buffer.h"
#include "net/stream.h"

namespace rpx::http {

/// Reads one message's body. What was read beyond it goes to `ahead`: the next request of a client, or proof
/// that a server says more than it was asked.
class H1BodyReader final : public BodySource {
 public:
  /// `input` holds what came with the head and is used up first; `ahead` takes bytes beyond the end.
  H1BodyReader(Side side, net::InputBuffer& input, net::InputBuffer& ahead) noexcept
      : side_(side), input_(input), ahead_(ahead), chunked_(side) {}

  /// Begins a message. `limits` are borrowed until its end; `most` bounds the payload (0 = unlimited).
  void begin(net::Stream& stream, Framing framing, std::uint64_t length, const Limits& limits, std::uint64_t most);

  Result<BodyPiece> try_read(std::size_t most) override;
  rt::Task<Status> wait(Duration stall) override;
  const Headers* trailers() const noexcept override;
  bool ended() const noexcept override { return ended_; }
  rt::Loop& loop() noexcept override { return stream_->io().loop(); }
  std::uint64_t received() const noexcept override { return received_; }
  /// Bytes of a length-framed body not read yet.
  std::uint64_t left() const noexcept { return framing_ == Framing::kLength ? left_ : 0; }
  /// Lets go of the message; nothing of another one has been read.
  void release() noexcept;
  /// Payload of a length-framed body moved past this reader by the kernel (splice).
  void skipped(std::uint64_t count) noexcept;
  /// Bytes of another protocol taken from the same connection (a tunnel).
  void skipped_past(std::uint64_t count) noexcept { received_ += count; }
  Framing framing() const noexcept { return framing_; }
  /// Bytes of the body, or of its framing, have been used up since begin().
  bool touched() const noexcept { return touched_; }

 private:
  Result<BodyPiece> read_length(std::size_t most);
  Result<BodyPiece> read_chunked(std::size_t most);
  Result<BodyPiece> read_close(std::size_t most);
  Result<BodyPiece> decode(std::span<char> bytes, std::size_t& consumed);
  Result<std::size_t> fill(std::span<char> into);
  Result<BodyPiece> give(std::string_view data);

  Side side_;
  net::InputBuffer& input_;
  net::InputBuffer& ahead_;
  net::Stream* stream_ = nullptr;
  const Limits* limits_ = nullptr;
  Framing framing_ = Framing::kNone;
  bool ended_ = true;
  bool blocked_ = false;
  bool touched_ = false;
  std::uint64_t left_ = 0;
  std::uint64_t most_ = 0;
  std::uint64_t received_ = 0;
  Duration waited_{};
  ChunkedDecoder chunked_;
};

/// Writes one message: a head already serialised, then the body in its framing. Small pieces are joined to the
/// head, so that a short message is one send.
class H1BodyWriter final : public BodySink {
 public:
  explicit H1BodyWriter(Side side) noexcept : side_(side), wait_(side) {}
  /// The least bytes a second that the peer has to take; 0 = any number.
  void demand(Size least) noexcept { wait_.demand(least); }

  /// Begins a message. head() is then to be filled before the first write.
  void begin(net::Stream& stream, Framing framing) noexcept;
  /// Bytes that go out before anything else, behind those that are still pending.
  std::string& head() noexcept {
    borrow();
    return pending_;
  }
  void set_framing(Framing framing) noexcept { framing_ = framing; }

  Result<bool> try_write(std::string_view data, bool end, const Headers* trailers) override;
  Result<bool> try_flush() override;
  rt::Task<Status> drain(Duration stall) override;
  std::uint64_t sent() const noexcept override { return sent_; }
  bool pending() const noexcept { return at_ < pending_.size(); }
  /// Suspends until the peer takes more, as drain() does; for bytes that the kernel moves.
  rt::Task<Status> wait_for_room(Duration stall) { return wait_.wait(*stream_, sent_, stall); }
  /// Bytes moved by the kernel beside this writer (splice).
  void moved(std::uint64_t count) noexcept { sent_ += count; }
  /// What has not gone out never will; gives the memory back.
  void release() noexcept;

 private:
  void borrow() noexcept;
  Result<bool> send_joined(std::string_view before, std::string_view data, std::string_view after);

  Side side_;
  WriteWait wait_;
  Framing framing_ = Framing::kNone;
  net::Stream* stream_ = nullptr;
  std::string pending_;  // has memory only while something is in it: see Recycled
  std::size_t at_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace rpx::http
