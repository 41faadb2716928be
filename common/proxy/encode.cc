#include "proxy/encode.h"

#include "base/result.h"
#include "proxy/better_form.h"
#include "proxy/load.h"

namespace rpx::proxy {
namespace {

using http::Coding;

// Bodies up to this size are read as far as they are there and coded in one go.
constexpr std::uint64_t kMostWhole = 256 * 1024;

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
  const Instant begun = std::chrono::steady_clock::now();
  if (!codec::encode_whole(coding, level_for(rule, coding, connection.worker.loop().now()), reply.first.data, coded) ||
      coded.size() >= reply.first.data.size())
    return false;
  add_coded(connection.worker.counts().encoded, coding,
            {reply.first.data.size(), coded.size(), std::chrono::steady_clock::now() - begun});
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

// The coding in which a reply is to go out, as far as its head tells; its fields say then that there was a choice.
Coding wanted_coding(Busy& busy, const policy::CompressRule& rule, Outgoing& reply) {
  const http::RequestHead& request = busy.exchange.request();
  Arena& arena = busy.exchange.arena();
  if (reply.status == 304) {
    // What it confirms is what the client has, and that had a weak tag when it was coded.
    if (policy::confirms_weakly(request.headers, busy.out) && rule.choose(request.headers) != Coding::kIdentity)
      policy::weaken_etag(busy.out, arena);
    return Coding::kIdentity;
  }
  if (reply.plan.length && *reply.plan.length < rule.min_size()) return Coding::kIdentity;
  if (!rule.suits(reply.status, request.headers, busy.out)) return Coding::kIdentity;
  policy::vary_by_encoding(busy.out, arena);
  return rule.choose(request.headers);
}

// HEAD: the length of what a GET would get is not known without coding it (RFC 9110 section 9.3.2).
void mark_unknown(Busy& busy, Outgoing& reply) {
  policy::weaken_etag(busy.out, busy.exchange.arena());
  reply.plan.length.reset();
}

Result<std::unique_ptr<codec::EncodingSink>> encode_as(ClientConnection& connection, Busy& busy,
                                                       const policy::CompressRule& rule, Coding coding,
                                                       Outgoing& reply) {
  std::unique_ptr<codec::EncodingSink> none;
  if (coding == Coding::kIdentity) return none;
  if (!reply.plan.present) {
    mark_unknown(busy, reply);
    return none;
  }
  RPX_TRY_VOID(gather(reply));
  if (policy::looks_dense(reply.first.data)) return none;
  if (reply.first.end) {
    if (reply.first.data.size() >= rule.min_size()) encode_at_hand(connection, busy, rule, coding, reply);
    return none;
  }
  policy::mark_encoded(busy.out, busy.exchange.arena(), coding);
  reply.plan.length.reset();
  return std::make_unique<codec::EncodingSink>(coding, level_for(rule, coding, connection.worker.loop().now()));
}

}  // namespace

std::uint32_t level_for(const policy::CompressRule& rule, Coding coding, Instant now) {
  return rule.level(coding, rule.goes_by_load() ? load_of_this_thread(now) : policy::Load::kLight);
}

void add_coded(std::array<CodingCounters, 4>& to, Coding coding, const CodedBytes& what) noexcept {
  CodingCounters& counters = to[static_cast<std::size_t>(coding)];
  counters.bodies.add();
  counters.plain_bytes.add(what.plain);
  counters.coded_bytes.add(what.coded);
  counters.nanoseconds.add(static_cast<std::uint64_t>(what.took.count()));
}

Result<std::unique_ptr<codec::EncodingSink>> begin_encoding(ClientConnection& connection, Busy& busy,
                                                            const policy::CompressRule& rule, Outgoing& reply) {
  return encode_as(connection, busy, rule, wanted_coding(busy, rule, reply), reply);
}

Result<Coders> begin_stored(ClientConnection& connection, Busy& busy, const policy::CompressRule& rule,
                            const Stored& stored, Outgoing& reply) {
  if (rule.decompress_replies() && busy.out.has(http::FieldId::kContentEncoding))
    return begin_coding(connection, busy, rule, reply);
  Coders out;
  const Coding coding = wanted_coding(busy, rule, reply);
  if (coding == Coding::kIdentity) return out;
  const cache::CodedForms* forms = stored.entry->forms();
  cache::CodedForm form = forms ? forms->find(coding) : cache::CodedForm{};
  if (form.useless) return out;
  // What one client has asked for is not worth more than the quick form.
  if (!form.final && stored.entry->hits() > 1) start_better_form(connection, stored, coding);
  if (form.body) {
    policy::mark_encoded(busy.out, busy.exchange.arena(), coding);
    reply.plan.length = form.body->size();
    reply.first = {.data = *form.body, .end = true};
    out.form = std::move(form.body);
    return out;
  }
  const std::size_t plain = reply.first.data.size();
  const bool whole = reply.plan.present && reply.first.end;
  RPX_TRY(out.encoding, encode_as(connection, busy, rule, coding, reply));
  if (!whole) return out;
  // Here it is whole, or goes as it is for good.
  const bool coded = reply.first.data.size() < plain;
  if (coded) form.body = std::make_shared<const std::string>(reply.first.data);
  form.useless = !coded;
  out.form = form.body;
  stored.store->put_form(*stored.entry, coding, std::move(form));
  return out;
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
  WorkerCounters& counts = connection.worker.counts();
  if (coders.encoding)
    add_coded(counts.encoded, coders.encoding->coding(),
              {coders.encoding->plain_bytes(), coders.encoding->coded_bytes(), coders.encoding->took()});
  if (coders.decoding)
    add_coded(counts.decoded, coders.decoding->coding(),
              {coders.decoding->received(), coders.decoding->consumed(), coders.decoding->took()});
}

}  // namespace rpx::proxy
