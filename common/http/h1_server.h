// HTTP/1 as a server speaks it: reads one request head after the other off a connection and gives each out as
// an Exchange. Made for reuse: a worker keeps a few and lends one to a connection while it is busy, so that an
// idle connection holds none. One thread.
#pragma once

#include <memory>
#include <string>

#include "http/exchange.h"
#include "http/h1_body.h"
#include "http/h1_head_reader.h"
#include "http/limits.h"

namespace rpx::http {

class H1Exchange final : public Exchange {
 public:
  H1Exchange() : reader_(Side::kClient, input_, ahead_), writer_(Side::kClient) {}

  /// Takes up a connection. `limits` are borrowed until release().
  void attach(net::Stream& stream, const Limits& limits) noexcept;
  /// Lets go of the connection and of all memory beyond a small working set.
  void release() noexcept;

  /// How an attempt to read a head went.
  enum class Head : std::uint8_t { kComplete, kBlocked, kClosed };
  /// Reads and parses what is there of the next head. kClosed: the client has closed before a first byte of it.
  /// Errors as parse_request_head, and kClosed when it closes in the middle, kReset.
  Result<Head> try_read_head();
  /// Bytes of a next request are there already.
  bool has_input() const noexcept { return !input_.empty() || !ahead_.empty(); }
  /// Ends the exchange. True when the connection may go on to the next request; false when it is to be closed.
  bool finish();
  /// Whether unread bytes of a request may be on their way, so that closing at once would destroy the reply.
  bool must_linger() const noexcept { return !reader_.ended() || bad_head_; }
  void mark_bad_head() noexcept { bad_head_ = true; }

  BodySource& body(std::uint64_t most) noexcept override;
  Status send_interim(std::uint16_t status, const Headers& headers) override;
  BodySink& reply(std::uint16_t status, std::string_view reason, Headers& headers, ReplyBody body) override;
  bool replied() const noexcept override { return replied_; }
  void close_after() noexcept override { close_ = true; }
  void cut() noexcept override { cut_ = close_ = true; }
  bool was_cut() const noexcept { return cut_; }
  net::Stream* stream() noexcept override { return stream_; }
  std::string_view leftover() noexcept override { return input_.view(); }
  std::uint64_t bytes_received() const noexcept override { return head_bytes_ + reader_.received(); }
  std::uint64_t bytes_sent() const noexcept override { return writer_.sent(); }

  H1BodyReader& reader() noexcept override { return reader_; }
  bool body_touched() const noexcept override { return reader_.touched(); }
  std::string_view protocol() const noexcept override { return head_.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1"; }
  H1BodyWriter& writer() noexcept { return writer_; }

 private:
  net::Stream* stream_ = nullptr;
  const Limits* limits_ = nullptr;
  net::InputBuffer input_;
  net::InputBuffer ahead_;
  H1HeadReader head_reader_;
  H1BodyReader reader_;
  H1BodyWriter writer_;
  std::uint64_t head_bytes_ = 0;
  bool replied_ = false;
  bool close_ = false;
  bool cut_ = false;
  bool bad_head_ = false;
};

}  // namespace rpx::http
