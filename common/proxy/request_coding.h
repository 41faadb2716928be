// Request bodies that change on their way to the server: a client's coding undone, or one of ours put on. Beside
// forward.cc, which asks for it on routes whose [compress.NAME] says so. On the worker's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "codec/decoding_source.h"
#include "codec/encoding_sink.h"
#include "http/held_body.h"
#include "proxy/connection.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// Kept in Busy while the request lasts.
class RequestCoding {
 public:
  /// `may_encode`: the body may be sent in a coding of ours.
  RequestCoding(const policy::CompressRule& rule, http::BodySource& body, bool may_encode)
      : rule_(rule), source_(&body), may_encode_(may_encode) {}

  /// Undoes `codings`, the last one first.
  void decode(std::span<const http::Coding> codings, const codec::DecodingLimits& limits);
  /// Reads a body of up to `most` bytes whole, so that it has a length and can be sent again; waits at most `stall`
  /// for each piece, and with nothing not at all.
  rt::Task<Status> gather(std::size_t most, std::optional<Duration> stall);

  /// Decides for one try whether the body is coded for `server`.
  void begin_try(upstream::Server& server, Instant now);
  /// Puts the fields right: Content-Encoding, Content-Length or Transfer-Encoding.
  void complete(http::Headers& out, Arena& arena) const;
  http::Framing framing() const noexcept { return whole_ ? http::Framing::kLength : http::Framing::kChunked; }
  /// The body as it is sent in this try, when it is at hand whole.
  bool is_whole() const noexcept { return whole_; }
  std::string_view whole() const noexcept { return coding_ == http::Coding::kIdentity ? plain_ : coded_; }
  http::BodySource& source() noexcept { return *source_; }
  /// Where a body is relayed into: `sink`, or a coder in front of it.
  http::BodySink& sink_over(http::BodySink& sink);

  /// What the reply says of the coding the body was sent in: that the server takes it, or not (415; or a body it cannot
  /// read, where it has never shown that it can read one). True when another try without the coding makes sense.
  bool refused(upstream::Server& server, std::uint16_t status, Instant now);
  void count(WorkerCounters& counts) const noexcept;

 private:
  const policy::CompressRule& rule_;
  http::BodySource* source_;
  bool may_encode_;
  std::vector<std::unique_ptr<codec::DecodingSource>> decoders_;
  std::unique_ptr<http::HeldBody> held_;
  bool whole_ = false;
  std::string_view plain_;  // the whole body
  std::string coded_;       // and its coded form, made once
  http::Coding coded_as_ = http::Coding::kIdentity;
  http::Coding coding_ = http::Coding::kIdentity;  // of this try
  std::uint32_t level_ = 0;
  Duration took_{};  // for the whole body
  std::unique_ptr<codec::EncodingSink> encoder_;
};

/// Makes busy.coding where the route changes this request's body on its way to `upstream`. Errors: kUnsupportedCoding,
/// those of reading it.
rt::Task<Status> prepare_request_coding(Busy& busy, const Route& route, const Upstream& upstream);
/// Keeps what a reply tells of the codings that its server takes (RFC 7694).
void learn_codings(const policy::CompressRule& rule, upstream::Server& server, const http::ResponseHead& reply,
                   Instant now);

}  // namespace rpx::proxy
