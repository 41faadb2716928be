// Codings of replies: whether the one at hand is coded or decoded, and its first piece with it. Beside respond.cc,
// which calls it for routes that compress. On the worker's thread.
#pragma once

#include <memory>

#include "cache/store.h"
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
  std::shared_ptr<const std::string> form;          ///< the whole body, coded before: null where there is none
};

/// Takes the server's coding off where `rule` says so and the client does not accept it; then as begin_encoding().
/// Errors: those of both.
Result<Coders> begin_coding(ClientConnection& connection, Busy& busy, const policy::CompressRule& rule,
                            Outgoing& reply);

/// A stored reply, and where it is stored. Borrowed.
struct Stored {
  const std::shared_ptr<cache::Store>& store;
  const cache::EntryPtr& entry;
};

/// As begin_coding(), for the whole body of a stored reply: a form that was made before is used, one that was made now
/// is kept, and a better one is begun where there are more than a few hits.
Result<Coders> begin_stored(ClientConnection& connection, Busy& busy, const policy::CompressRule& rule,
                            const Stored& stored, Outgoing& reply);

/// The level of a coding for what this thread codes; `now` is the time on its loop.
std::uint32_t level_for(const policy::CompressRule& rule, http::Coding coding, Instant now);

/// One body that was coded or decoded.
struct CodedBytes {
  std::uint64_t plain = 0;
  std::uint64_t coded = 0;
  Duration took{};
};
void add_coded(std::array<CodingCounters, 4>& to, http::Coding coding, const CodedBytes& what) noexcept;

/// Counts what went through them.
void count_coded(ClientConnection& connection, const Coders& coders) noexcept;

}  // namespace rpx::proxy
