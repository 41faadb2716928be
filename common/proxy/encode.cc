#include "proxy/encode.h"

#include "base/result.h"

namespace rpx::proxy {
namespace {

using http::Coding;

// Bodies up to this size are read as far as they are there and coded in one go.
constexpr std::uint64_t kMostWhole = 256 * 1024;

void count(ClientConnection& connection, Coding coding, std::uint64_t plain, std::uint64_t coded) noexcept {
  CodingCounters& counters = connection.worker.counts().encoded[static_cast<std::size_t>(coding)];
  counters.bodies.add();
  counters.plain_bytes.add(plain);
  counters.coded_bytes.add(coded);
}

/// Reads what is there of a body that may turn out to be at hand whole.
Status gather(Outgoing& reply) {
  static thread_local std::string gathered;
  if (reply.first.end || !reply.more || !reply.plan.length || *reply.plan.length > kMostWhole) return {};
  gathered.assign(reply.first.data);
  for (;;) {
    RPX_TRY(const http::BodyPiece piece, reply.more->try_read(net::kScratchBytes));
    if (piece.blocked) break;
    gathered.append(piece.data);
    reply.first.end = piece.end;
    if (piece.end) break;
  }
  reply.first.data = gathered;
  reply.first.blocked = gathered.empty() && !reply.first.end;
  return {};
}

/// Codes a body that is at hand. False when that does not make it shorter, and nothing has been changed.
bool encode_at_hand(ClientConnection& connection, Busy& busy, const policy::CompressRule& rule, Coding coding,
                    Outgoing& reply) {
  std::string& coded = codec::coded_scratch();
  if (!codec::encode_whole(coding, rule.level(coding), reply.first.data, coded) ||
      coded.size() >= reply.first.data.size())
    return false;
  count(connection, coding, reply.first.data.size(), coded.size());
  policy::mark_encoded(busy.out, busy.exchange.arena(), coding);
  reply.first.data = coded;
  reply.plan.length = coded.size();
  return true;
}

/// Takes the server's coding off a reply whose client does not say that it takes it.
Result<std::unique_ptr<codec::DecodingSource>> begin_decoding(Busy& busy, const policy::CompressRule& rule,
                                                              Outgoing& reply) {
  std::unique_ptr<codec::DecodingSource> none;
  const http::RequestHead& request = busy.exchange.request();
  if (reply.status == 204 || reply.status == 206 || reply.status == 304) return none;
  const auto codings = policy::codings_of(busy.out);
  // One over another is rare, and then nobody can say which of them the client means.
  if (!codings || codings->size() != 1 || policy::forbids_transform(busy.out)) return none;
  policy::vary_by_encoding(busy.out, busy.exchange.arena());
  if (http::choose_coding(request.headers, *codings) != Coding::kIdentity) return none;
  policy::mark_decoded(busy.out, busy.exchange.arena());
  reply.plan.length.reset();
  if (!reply.plan.present) return none;
  auto decoding = std::make_unique<codec::DecodingSource>(
      *reply.more, codings->front(), codec::DecodingLimits{.side = Side::kUpstream, .ratio = rule.max_ratio()});
  if (!reply.first.blocked) decoding->put(reply.first);
  reply.more = decoding.get();
  RPX_TRY(reply.first, decoding->try_read(net::kScratchBytes));
  if (reply.first.end) reply.plan.length = reply.first.data.size();
  return decoding;
}

}  // namespace

Result<std::unique_ptr<codec::EncodingSink>> begin_encoding(ClientConnection& connection, Busy& busy,
                                                            const policy::CompressRule& rule, Outgoing& reply) {
  const http::RequestHead& request = busy.exchange.request();
  Arena& arena = busy.exchange.arena();
  std::unique_ptr<codec::EncodingSink> none;
  if (reply.status == 304) {
    // What it confirms may have been coded, and then had a weak tag.
    if (rule.choose(request.headers) != Coding::kIdentity) policy::weaken_etag(busy.out, arena);
    return none;
  }
  if (!rule.suits(reply.status, request.headers, busy.out)) return none;
  if (reply.plan.length && *reply.plan.length < rule.min_size()) return none;
  policy::vary_by_encoding(busy.out, arena);
  const Coding coding = rule.choose(request.headers);
  if (coding == Coding::kIdentity) return none;
  if (!reply.plan.present) {
    // HEAD: the length of what a GET would get is not known without coding it (RFC 9110 section 9.3.2).
    policy::weaken_etag(busy.out, arena);
    reply.plan.length.reset();
    return none;
  }
  RPX_TRY_VOID(gather(reply));
  if (policy::looks_dense(reply.first.data)) return none;
  if (reply.first.end) {
    if (reply.first.data.size() >= rule.min_size()) encode_at_hand(connection, busy, rule, coding, reply);
    return none;
  }
  policy::mark_encoded(busy.out, arena, coding);
  reply.plan.length.reset();
  return std::make_unique<codec::EncodingSink>(coding, rule.level(coding));
}

Result<Coders> begin_coding(ClientConnection& connection, Busy& busy, const policy::CompressRule& rule,
                            Outgoing& reply) {
  Coders out;
  if (rule.decompress_replies()) {
    RPX_TRY(out.decoding, begin_decoding(busy, rule, reply));
  }
  RPX_TRY(out.encoding, begin_encoding(connection, busy, rule, reply));
  return out;
}

void count_coded(ClientConnection& connection, const Coders& coders) noexcept {
  if (coders.encoding)
    count(connection, coders.encoding->coding(), coders.encoding->plain_bytes(), coders.encoding->coded_bytes());
  if (!coders.decoding) return;
  const codec::DecodingSource& decoding = *coders.decoding;
  CodingCounters& counters = connection.worker.counts().decoded[static_cast<std::size_t>(decoding.coding())];
  counters.bodies.add();
  counters.plain_bytes.add(decoding.received());
  counters.coded_bytes.add(decoding.consumed());
}

}  // namespace rpx::proxy
