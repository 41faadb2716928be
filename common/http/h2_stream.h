// H2Stream: one request and its reply on a multiplexed connection, as an Exchange with its body's source and sink.
// Made and owned by H2Session; bodies are held within the window the client was given, and no more of a reply than a
// piece. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/exchange.h"
#include "rt/event.h"

namespace rpx::http {

class H2Session;

/// What is done for a stream; destroyed with it, which cancels it.
class H2Work {
 public:
  virtual ~H2Work() = default;
  virtual bool done() const noexcept = 0;
  /// The client has given the stream up; destruction follows.
  virtual void abandon(Error error) noexcept = 0;
};

class H2Stream final : public Exchange, public BodySource, public BodySink {
 public:
  H2Stream(H2Session& session, std::int32_t id);
  ~H2Stream() override;

  std::int32_t id() const noexcept { return id_; }
  /// Why the head was refused; nothing when it is good.
  std::optional<Error>& fault() noexcept { return fault_; }
  /// Suspends until the reply has left or the stream is closed; a client that takes none of it for `stall` loses it.
  rt::Task<void> finish(Duration stall);

  // Exchange
  BodySource& body(std::uint64_t most) noexcept override;
  BodySource& reader() noexcept override { return *this; }
  bool body_touched() const noexcept override { return touched_; }
  Status send_interim(std::uint16_t status, const Headers& headers) override;
  BodySink& reply(std::uint16_t status, std::string_view reason, Headers& headers, ReplyBody body) override;
  bool replied() const noexcept override { return replied_; }
  void close_after() noexcept override {}
  void cut() noexcept override;
  net::Stream* stream() noexcept override { return nullptr; }
  std::string_view leftover() noexcept override { return {}; }
  std::uint64_t bytes_received() const noexcept override { return head_bytes_ + received_; }
  std::uint64_t bytes_sent() const noexcept override { return sent_; }
  std::string_view protocol() const noexcept override { return "HTTP/2.0"; }

  // BodySource
  Result<BodyPiece> try_read(std::size_t most) override;
  rt::Task<Status> wait(Duration stall) override;
  const Headers* trailers() const noexcept override { return ended() && !trailers_.empty() ? &trailers_ : nullptr; }
  bool ended() const noexcept override { return received_all_ && at_ == given_.size() && in_.empty(); }
  rt::Loop& loop() noexcept override;
  std::uint64_t received() const noexcept override { return received_; }

  // BodySink
  Result<bool> try_write(std::string_view data, bool end, const Headers* trailers) override;
  Result<bool> try_flush() override;
  rt::Task<Status> drain(Duration stall) override;
  std::uint64_t sent() const noexcept override { return sent_; }

 private:
  friend class H2Session;
  /// Field of the head or of the trailers, as it comes.
  void take_field(std::string_view name, std::string_view value);
  /// The head is there whole: builds the one canonical request. `end`: no body follows.
  void complete_head(bool end);
  /// The trailers are. False when they are not acceptable.
  bool complete_trailers();
  void take_data(std::string_view data) { in_ += data; }
  void take_end() noexcept;
  void take_close() noexcept;
  /// Moves what is pending into a DATA frame; see nghttp2_data_source_read_callback.
  long produce(std::uint8_t* into, std::size_t size, std::uint32_t& flags);
  void refuse(ErrorKind kind, const char* why);
  void collect(std::uint16_t status, const Headers& headers);
  std::size_t pending() const noexcept { return out_.size() - out_at_; }
  Error gone() const;

  H2Session& session_;
  const std::int32_t id_;
  std::optional<Error> fault_;
  // of the head
  std::string method_, path_, authority_, host_, cookies_, fields_, text_;
  std::uint64_t head_bytes_ = 0;
  std::uint32_t field_count_ = 0;
  bool has_length_ = false;
  bool has_head_ = false;
  // of the request's body: what came, what was handed out
  std::string in_, given_;
  std::size_t at_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t most_ = 0;
  Duration waited_{};
  bool received_all_ = false;
  bool touched_ = false;
  std::string trailer_text_;
  Headers trailers_;
  // of the reply
  std::vector<std::pair<std::string_view, std::string_view>> lines_;
  std::vector<std::pair<std::string, std::string>> out_trailers_;
  std::string out_;
  std::size_t out_at_ = 0;
  std::uint64_t sent_ = 0;
  bool replied_ = false;
  bool complete_ = false;  // all of the reply was handed to us
  bool left_ = false;      // and to the connection
  bool closed_ = false;
  rt::Event arrived_;
  rt::Event moved_;
  std::unique_ptr<H2Work> work_;  // last: it uses all of the above
};

}  // namespace rpx::http
