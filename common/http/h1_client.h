// HTTP/1 as a client speaks it: one request over a connection and its reply. Made for reuse, like H1Exchange;
// the connection belongs to a lease of upstream/. One thread.
#pragma once

#include "http/h1_body.h"
#include "http/h1_head_reader.h"
#include "http/message.h"

namespace rpx::http {

/// What a request line says (RFC 9112 section 3), in views. `query` has its '?', or is empty.
struct RequestLine {
  std::string_view method;
  std::string_view path;
  std::string_view query;
};

class H1Call {
 public:
  H1Call() : reader_(Side::kUpstream, input_, ahead_), writer_(Side::kUpstream) {}

  /// Begins a request on `stream` (borrowed until release or the next begin). The head leaves with the first write or
  /// flush of the sink. `headers` must hold the framing fields already.
  BodySink& begin(net::Stream& stream, const Limits& limits, const RequestLine& line, const Headers& headers,
                  Framing framing);
  /// Reads the next response head, interim ones included, into head(), as far as it is there. False: it is not there
  /// whole, and the stream has to be waited for.
  /// Errors, Side::kUpstream: kClosed and kReset (nothing_received() tells whether a first byte came), kBadResponse,
  /// kResponseTooLarge.
  Result<bool> try_read_head(Method request_method);
  /// What such a wait came to. Errors: kResponseTimeout, kCancelled when interrupted.
  static Status judge_wait(rt::Wake wake);
  ResponseHead& head() noexcept { return head_; }
  /// The reply's body, after a final head.
  BodySource& body() noexcept;
  H1BodyReader& reader() noexcept { return reader_; }
  H1BodyWriter& writer() noexcept { return writer_; }

  /// Bytes behind a 101 head.
  std::string_view leftover() noexcept { return input_.view(); }
  bool nothing_received() const noexcept { return nothing_received_; }
  /// The reply is over, the request was sent whole, and the server said nothing more: another request may follow.
  bool reusable(bool request_sent) const noexcept;
  void release() noexcept;
  /// A request has begun, and its connection is borrowed.
  bool begun() const noexcept { return stream_ != nullptr; }
  net::Stream& stream() noexcept { return *stream_; }

 private:
  net::Stream* stream_ = nullptr;
  const Limits* limits_ = nullptr;
  net::InputBuffer input_;
  net::InputBuffer ahead_;
  H1HeadReader head_reader_;
  ResponseHead head_;
  H1BodyReader reader_;
  H1BodyWriter writer_;
  bool nothing_received_ = true;
  bool reads_head_ = false;
};

}  // namespace rpx::http
