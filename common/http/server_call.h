// ServerCall: one request to a server and its reply, whatever is spoken there: HTTP/1 over a connection that the call
// has alone, or a stream of HTTP/2 on a shared one. Made for reuse. One thread.
#pragma once

#include <memory>
#include <utility>

#include "http/h1_client.h"
#include "http/h2_call.h"

namespace rpx::http {

class ServerCall {
 public:
  explicit ServerCall(rt::Loop& loop) noexcept : loop_(loop) {}

  /// Begins a request; see H1Call::begin() and H2Call::begin().
  BodySink& begin(net::Stream& stream, const Limits& limits, const RequestLine& line, const Headers& headers,
                  Framing framing) {
    shared_ = false;
    return h1_->begin(stream, limits, line, headers, framing);
  }
  BodySink& begin(H2Slot& slot, const Limits& limits, const RequestLine& line, std::string_view scheme,
                  const Headers& headers, Framing framing, std::string_view protocol = {});

  /// Reads the next head of the reply, interim ones included, into head(), as far as it is there; see
  /// H1Call::try_read_head(). Where it is not: what there is to wait for differs, as h1() and h2() tell.
  Result<bool> try_read_head(Method request_method) {
    return shared_ ? h2_->try_read_head(request_method) : h1_->try_read_head(request_method);
  }
  /// As try_read_head(), and suspends until the head is there, or until `deadline`. Errors: kResponseTimeout and
  /// kCancelled besides.
  rt::Task<Status> read_head(Method request_method, Instant deadline);
  ResponseHead& head() noexcept { return shared_ ? h2_->head() : h1_->head(); }
  /// Begins to read the reply's body, after a final head.
  BodySource& body() noexcept { return shared_ ? static_cast<BodySource&>(*h2_) : h1_->body(); }
  /// The same body later on.
  BodySource& reader() noexcept { return shared_ ? static_cast<BodySource&>(*h2_) : h1_->reader(); }
  /// Ends a wait for a head, with kCancelled.
  void interrupt() noexcept;
  /// The next try looks once more, whatever is believed of the connection.
  void look_again() noexcept {
    if (!shared_) h1_->stream().io().mark_readable();
  }
  /// Not a byte of the reply has come.
  bool nothing_received() const noexcept { return shared_ ? h2_->nothing_received() : h1_->nothing_received(); }
  /// It failed with its connection, which says nothing of the server when that was kept from before.
  bool lost_with_connection() const noexcept { return !shared_ || h2_->lost_with_connection(); }
  /// The server has said that it did nothing about the request.
  bool untouched() const noexcept { return shared_ && h2_->untouched(); }
  /// Its connection is good for another call.
  bool reusable(bool request_sent) const noexcept {
    return shared_ ? h2_->finished(request_sent) : h1_->reusable(request_sent);
  }
  /// Bytes of another protocol that came behind a 101 head.
  std::string_view leftover() noexcept { return shared_ ? std::string_view() : h1_->leftover(); }
  /// The stream of HTTP/2, whose bodies are a tunnel behind a 101; null when HTTP/1 is spoken.
  H2Call* h2() noexcept { return shared_ ? h2_.get() : nullptr; }
  /// The call of HTTP/1, for kernel-side relays; null when it is a stream of HTTP/2.
  H1Call* h1() noexcept { return shared_ ? nullptr : h1_.get(); }
  void release() noexcept;
  /// Each becomes the other. Nobody waits for either.
  void swap(ServerCall& other) noexcept {
    std::swap(h1_, other.h1_);
    std::swap(h2_, other.h2_);
    std::swap(shared_, other.shared_);
  }

 private:
  rt::Loop& loop_;
  std::unique_ptr<H1Call> h1_ = std::make_unique<H1Call>();
  std::unique_ptr<H2Call> h2_;  // made when it is first needed
  bool shared_ = false;
};

}  // namespace rpx::http
