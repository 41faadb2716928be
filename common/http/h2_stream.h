// H2Stream: one request and its reply on a multiplexed connection, as an Exchange with its body's source and sink.
// Owned by an H2Session while it lasts, and made for reuse, together with what works on it. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/exchange.h"
#include "http/h2_body.h"
#include "http/h2_fields.h"

namespace rpx::http {

class H2Session;
struct H2HeadText;

/// What is done for a stream; destroyed with it, which cancels it.
class H2Work {
 public:
  virtual ~H2Work() = default;
  virtual bool done() const noexcept = 0;
  /// The client has given the stream up; rest() or destruction follows.
  virtual void abandon(Error error) noexcept = 0;
  /// Lets go of everything until it is begun again, cancelled where it is not done.
  virtual void rest() noexcept = 0;
};

class H2Stream final : public Exchange, public H2Body {
 public:
  explicit H2Stream(rt::Loop& loop);
  ~H2Stream() override;
  /// The work that was done for it when it was used before; null at first.
  std::unique_ptr<H2Work> take_work() noexcept { return std::move(work_); }

  std::int32_t id() const noexcept { return id_; }
  /// Why the head was refused; nothing when it is good.
  std::optional<Error>& fault() noexcept { return fault_; }
  /// To be queued when the work for it has ended.
  rt::Soon& work_ended() noexcept { return ended_; }
  /// The last thing to be done for it. Suspends until the reply has left or the stream is closed, at which it may be
  /// cancelled; a client that takes none of the reply for `stall` loses it.
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
  std::size_t room() const noexcept override { return H2Body::room(); }
  std::string_view leftover() noexcept override { return {}; }
  std::uint64_t bytes_received() const noexcept override { return head_bytes_ + received_; }
  std::uint64_t bytes_sent() const noexcept override { return sent_; }
  std::string_view protocol() const noexcept override { return "HTTP/2.0"; }

 private:
  friend class H2Session;
  struct Ended final : rt::Soon {
    explicit Ended(H2Stream& owner) noexcept : stream(owner) {}
    void run() override;
    H2Stream& stream;
  };
  /// Becomes stream `id`.
  void begin(H2Session& session, std::int32_t id);
  /// Lets go of the session, and of memory beyond a working set.
  void release() noexcept;
  /// Field of the head or of the trailers, as it comes.
  void take_field(std::string_view name, std::string_view value);
  /// The head is there whole: builds the one canonical request. `end`: no body follows. An extended CONNECT (RFC 8441)
  /// becomes the request to upgrade that HTTP/1 has for it; a reply of 2xx, with a body, then opens the tunnel.
  void complete_head(bool end);
  void write_head(H2HeadText& coming, bool end);
  void refuse(ErrorKind kind, const char* why);
  void collect(std::uint16_t status, const Headers& headers, H2Block& block);
  Error gone() const override;

  H2Session* session_ = nullptr;
  std::optional<Error> fault_;
  std::uint64_t head_bytes_ = 0;
  std::size_t place_ = 0;  // among the streams of its session
  bool due_ = false;       // its session will look whether it has ended
  bool has_head_ = false;
  bool tunnel_ = false;  // an extended CONNECT
  bool replied_ = false;
  bool finishing_ = false;  // the work is done but for finish()
  Ended ended_;
  std::unique_ptr<H2Work> work_;  // last: it uses all of the above
};

}  // namespace rpx::http
