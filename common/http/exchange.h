// Exchange: one request and its reply as a server sees them, whatever the wire. One of the two interfaces the
// product is made of; h1_server and h2_stream implement it. One thread; valid until the exchange has ended.
#pragma once

#include <optional>

#include "base/arena.h"
#include "base/error.h"
#include "http/body.h"
#include "http/message.h"
#include "net/stream.h"

namespace rpx::http {

/// What follows the head of a reply.
struct ReplyBody {
  bool present = false;                 ///< bytes follow; false for HEAD, 204, 304
  std::optional<std::uint64_t> length;  ///< Content-Length; absent when the length is not known before the end
};

class Exchange {
 public:
  virtual ~Exchange() = default;
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  RequestHead& request() noexcept { return head_; }
  /// Text that lives until the exchange ends.
  Arena& arena() noexcept { return arena_; }
  /// The request's body. `most` bounds its payload in bytes, 0 = unlimited; call once, before reading.
  virtual BodySource& body(std::uint64_t most) noexcept = 0;

  /// The same body, for those who ask how far it was read.
  virtual BodySource& reader() noexcept = 0;
  /// Some of the body was used up: the request cannot be sent again from the client's connection.
  virtual bool body_touched() const noexcept = 0;

  /// Sends an interim response (1xx) at once, as far as the client takes it. Nothing for HTTP/1.0 clients.
  virtual Status send_interim(std::uint16_t status, const Headers& headers) = 0;
  /// Writes the reply's head; it leaves with the first write or flush of the sink. Framing fields are added to
  /// `headers`, whose views must live until then. Call once.
  virtual BodySink& reply(std::uint16_t status, std::string_view reason, Headers& headers, ReplyBody body) = 0;
  /// A reply's head has been written: nothing else can be said any more.
  virtual bool replied() const noexcept = 0;
  /// The client is told that no further request is taken on this connection.
  virtual void close_after() noexcept = 0;
  /// The reply cannot be completed: the client must be able to tell (the connection is cut).
  virtual void cut() noexcept = 0;

  /// The connection itself where the exchange has it alone (for tunnels and kernel-side relays); null when multiplexed.
  virtual net::Stream* stream() noexcept = 0;
  /// Bytes that came behind the head and belong to whoever takes the connection over.
  virtual std::string_view leftover() noexcept = 0;
  /// How much of a reply's body had better be read before it can be sent.
  virtual std::size_t room() const noexcept { return static_cast<std::size_t>(-1); }
  /// Bytes read from and written to the client for this exchange.
  virtual std::uint64_t bytes_received() const noexcept = 0;
  virtual std::uint64_t bytes_sent() const noexcept = 0;
  /// As logs have it: "HTTP/1.1", "HTTP/2.0".
  virtual std::string_view protocol() const noexcept = 0;

 protected:
  RequestHead head_;
  Arena arena_;
};

}  // namespace rpx::http
