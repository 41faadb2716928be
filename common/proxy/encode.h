// Codings of replies: whether the one at hand is coded or decoded, and its first piece with it. Beside respond.cc,
// which calls it for routes that compress. On the worker's thread.
#pragma once

#include <memory>

#include "codec/decoding_source.h"
#include "codec/encoding_sink.h"
#include "http/exchange.h"
#include "proxy/connection.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// A reply that is about to go out, its head still unsaid.
struct Outgoing {
  std::uint16_t status = 0;
  http::ReplyBody plan;              ///< changed where the coded body's length is another, or not known
  http::BodyPiece& first;            ///< replaced by its coded form when the whole body is at hand
  http::BodySource* more = nullptr;  ///< where the rest comes from
};

/// Codes `reply` as `rule` and the client want, in the fields (busy.out) and in the body. The sink to send the body
/// through, or null where it goes as it is, or is coded already: then reply.first is to be sent before the next
/// co_await. Errors: the source's, and kInternal.
Result<std::unique_ptr<codec::EncodingSink>> begin_encoding(ClientConnection& connection, Busy& busy,
                                                            const policy::CompressRule& rule, Outgoing& reply);

/// What a reply goes through on its way.
struct Coders {
  std::unique_ptr<codec::DecodingSource> decoding;  ///< null where the body comes from the server as it is
  std::unique_ptr<codec::EncodingSink> encoding;    ///< as begin_encoding() gives it
};

/// Takes the server's coding off where `rule` says so and the client does not accept it; then as begin_encoding().
/// Errors: those of both.
Result<Coders> begin_coding(ClientConnection& connection, Busy& busy, const policy::CompressRule& rule,
                            Outgoing& reply);

/// Counts what went through them.
void count_coded(ClientConnection& connection, const Coders& coders) noexcept;

}  // namespace rpx::proxy
