#include "proxy/request_coding.h"

#include <algorithm>
#include <array>

#include "base/result.h"
#include "proxy/encode.h"
#include "proxy/mirror.h"

namespace rpx::proxy {
namespace {

using http::Coding;
using http::FieldId;
using Answer = upstream::CodingMemory::Answer;

// Bodies up to this size are read whole before they are sent, so that they can be sent again.
constexpr std::size_t kMostGathered = 64 * 1024;

/// The coding a server takes, as far as is known: the one configured, or the first of ours that it named.
Coding coding_for(const policy::CompressRule& rule, const upstream::CodingMemory& memory, bool replayable,
                  Instant now) {
  if (const Coding fixed = rule.request_coding(); fixed != Coding::kIdentity) {
    const Answer answer = memory.of(fixed, now);
    // What cannot be sent again is coded once the server has shown that it takes it.
    return answer == Answer::kTakes || (answer == Answer::kUnknown && replayable) ? fixed : Coding::kIdentity;
  }
  for (const Coding coding : rule.encodings())
    if (memory.of(coding, now) == Answer::kTakes) return coding;
  return Coding::kIdentity;
}

}  // namespace

void RequestCoding::decode(std::span<const Coding> codings, const codec::DecodingLimits& limits) {
  for (std::size_t i = codings.size(); i-- > 0;) {
    decoders_.push_back(std::make_unique<codec::DecodingSource>(*source_, codings[i], limits));
    source_ = decoders_.back().get();
  }
}

rt::Task<Status> RequestCoding::gather(std::size_t most, std::optional<Duration> stall) {
  held_ = std::make_unique<http::HeldBody>(*source_);
  source_ = held_.get();
  RPX_CO_TRY(whole_, co_await held_->gather(most, stall));
  // Trailers are only sent behind chunks.
  if (whole_ && held_->trailers() != nullptr) whole_ = false;
  if (whole_) plain_ = held_->text();
  co_return Status{};
}

void RequestCoding::begin_try(upstream::Server& server, Instant now) {
  coding_ = may_encode_ ? coding_for(rule_, server.codings(), whole_, now) : Coding::kIdentity;
  if (coding_ == Coding::kIdentity) return;
  level_ = level_for(rule_, coding_, now);
  if (!whole_ || coded_as_ == coding_) return;
  coded_.clear();
  const Instant begun = std::chrono::steady_clock::now();
  const bool worth = plain_.size() >= rule_.request_min_size() && !policy::looks_dense(plain_) &&
                     codec::encode_whole(coding_, level_, plain_, coded_) && coded_.size() < plain_.size();
  took_ = std::chrono::steady_clock::now() - begun;
  coded_as_ = worth ? coding_ : Coding::kIdentity;
  if (!worth) coding_ = Coding::kIdentity;
}

void RequestCoding::complete(http::Headers& out, Arena& arena) const {
  if (!decoders_.empty()) out.remove(FieldId::kContentEncoding);
  if (coding_ != Coding::kIdentity) {
    out.remove(FieldId::kContentEncoding);
    out.add(FieldId::kContentEncoding, "Content-Encoding", http::name_of(coding_));
  }
  if (whole_)
    out.add(FieldId::kContentLength, "Content-Length", arena.copy(std::to_string(whole().size())));
  else
    out.add(FieldId::kTransferEncoding, "Transfer-Encoding", "chunked");
}

http::BodySink& RequestCoding::sink_over(http::BodySink& sink) {
  encoder_.reset();
  if (coding_ == Coding::kIdentity || whole_) return sink;
  encoder_ = std::make_unique<codec::EncodingSink>(coding_, level_);
  encoder_->to(sink);
  return *encoder_;
}

bool RequestCoding::refused(upstream::Server& server, std::uint16_t status, Instant now) {
  if (coding_ == Coding::kIdentity) return false;
  upstream::CodingMemory& memory = server.codings();
  if (status < 400) memory.prove(coding_, now);
  // Some say that they take a coding and then cannot read it.
  const bool unread = (status == 400 || status == 422) && whole_ && !memory.proven(coding_);
  if (status != 415 && !unread) return false;
  memory.learn(coding_, false, now);
  return whole_;
}

void learn_codings(const policy::CompressRule& rule, upstream::Server& server, const http::ResponseHead& reply,
                   Instant now) {
  if (!reply.headers.has(FieldId::kAcceptEncoding)) return;
  for (const Coding coding : rule.encodings()) {
    // What it has shown counts for more than what it says.
    if (server.codings().of(coding, now) == Answer::kRefuses) continue;
    const std::array<Coding, 1> one{coding};
    server.codings().learn(coding, http::choose_coding(reply.headers, one) == coding, now);
  }
}

void RequestCoding::count(WorkerCounters& counts) const noexcept {
  for (const auto& decoder : decoders_)
    add_coded(counts.decoded_requests, decoder->coding(), {decoder->received(), decoder->consumed(), decoder->took()});
  if (coding_ == Coding::kIdentity) return;
  const CodedBytes what = encoder_ ? CodedBytes{encoder_->plain_bytes(), encoder_->coded_bytes(), encoder_->took()}
                                   : CodedBytes{plain_.size(), coded_.size(), took_};
  add_coded(counts.encoded_requests, coding_, what);
}

namespace {

// Whether any server may be sent a coded body: with "auto" none is until it has said that it takes one.
bool may_send_coded(const policy::CompressRule& rule, const Upstream& upstream) {
  return rule.request_coding() != Coding::kIdentity ||
         std::ranges::any_of(upstream.servers, [](const auto& server) { return server->codings().knows_any(); });
}

}  // namespace

rt::Task<Status> prepare_request_coding(Busy& busy, const Route& route, const Upstream& upstream) {
  const policy::CompressRule& rule = *route.compress;
  const http::RequestHead& request = busy.exchange.request();
  const bool is_coded = request.headers.has(FieldId::kContentEncoding);
  std::optional<std::vector<Coding>> codings;
  if (is_coded && rule.decompress_requests()) {
    codings = policy::codings_of(request.headers);
    if (!codings)
      co_return client_error(ErrorKind::kUnsupportedCoding,
                             "a body in a coding that decompress_requests does not know");
  }
  const bool decodes = codings && !codings->empty();
  const bool encodes = !is_coded && rule.suits_request(request) && may_send_coded(rule, upstream);
  if (!decodes && !encodes) co_return Status{};
  busy.coding = std::make_shared<RequestCoding>(rule, request_body(busy, route.body_bytes), encodes);
  if (decodes) busy.coding->decode(*codings, {Side::kClient, rule.max_ratio(), route.body_bytes});
  // Who waits for 100 (Continue) sends nothing before the server has said so.
  if (request.expects_continue) co_return Status{};
  std::optional<Duration> stall;
  if (request.framing == http::Framing::kLength) {
    if (request.content_length > kMostGathered) co_return Status{};
    stall = busy.live->site->limits().body_timeout;
  }
  RPX_CO_TRY_VOID(co_await busy.coding->gather(kMostGathered, stall));
  busy.has_replay = busy.coding->is_whole();
  co_return Status{};
}

}  // namespace rpx::proxy
