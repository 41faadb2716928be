// H2Call: one request over a shared HTTP/2 connection, and its reply. Made for reuse, like H1Call; the connection
// belongs to a lease of upstream/. One thread.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "http/h1_client.h"
#include "http/h2_body.h"
#include "http/h2_client.h"
#include "http/h2_fields.h"
#include "http/message.h"

namespace rpx::http {

class H2Call final : public H2Body {
 public:
  explicit H2Call(rt::Loop& loop) : H2Body(loop, Side::kUpstream, 0) {}
  ~H2Call() override;

  /// Begins a request on the connection of `slot`, which ends it when it goes. The fields are those of HTTP/1: what is
  /// about its connection is left out, Host becomes :authority. `limits` are borrowed. The head leaves at the end of
  /// the loop's round. With a `protocol` it is an extended CONNECT (RFC 8441), whose good reply reads as a 101; the
  /// bodies are then the two ways of the tunnel.
  BodySink& begin(H2Slot& slot, const Limits& limits, const RequestLine& line, std::string_view scheme,
                  const Headers& headers, Framing framing, std::string_view protocol = {});
  /// As H1Call::try_read_head(), but for what to wait for: wait_for_head().
  Result<bool> try_read_head(Method request_method);
  /// Suspends until there may be a head. Errors: kResponseTimeout, kCancelled when interrupted.
  rt::Task<Status> wait_for_head(Instant deadline);
  /// Ends a wait for a head, with kCancelled.
  void interrupt() noexcept;
  ResponseHead& head() noexcept { return head_; }
  bool nothing_received() const noexcept { return nothing_received_; }
  /// It failed with its connection, or before the server looked at it: nothing was wrong with the request.
  bool lost_with_connection() const noexcept { return lost_.has_value() || untouched_; }
  /// The server has done nothing about it: it may be repeated, whatever it is.
  bool untouched() const noexcept { return untouched_; }
  /// Reply and request are over.
  bool finished(bool request_sent) const noexcept { return request_sent && received_all_; }
  void release() noexcept;

 private:
  friend class H2Client;
  friend class H2Slot;
  struct Head {
    std::string text;  // as HTTP/1 would have it
    bool end = false;  // nothing follows
  };

  void take_field(std::string_view name, std::string_view value);
  /// A head, or the trailers, are there whole. False when they are not acceptable.
  bool complete_fields(bool end);
  /// What the server said is at fault.
  void spoil(std::string_view why) { fault_ = why; }
  void take_reset(std::uint32_t code) noexcept;
  void take_refusal() noexcept;
  void take_loss(const Error& error);
  void detach() noexcept;
  Error gone() const override;

  const Limits* limits_ = nullptr;
  H2Client* client_ = nullptr;
  H2Slot* slot_ = nullptr;
  Arena arena_;
  Headers fields_;      // scratch of begin()
  std::string coming_;  // the head that is being received
  std::uint16_t coming_status_ = 0;
  std::deque<Head> heads_;
  Head current_;
  ResponseHead head_;
  std::optional<Error> lost_;
  std::string fault_;
  std::uint32_t code_ = 0;  // of the reset
  Instant begun_{};
  bool connects_ = false;
  bool has_head_ = false;  // of a final reply
  bool too_large_ = false;
  bool untouched_ = false;
  bool nothing_received_ = true;
  bool interrupted_ = false;
};

}  // namespace rpx::http
