#include "proxy/partial.h"

#include <fmt/format.h>

#include <algorithm>

#include "proxy/forward.h"

namespace rpx::proxy {
namespace {

using http::FieldId;

bool is_fresh(const Visit& visit, const cache::Entry& entry) {
  const auto decision = cache::decide(entry.terms(), entry.age(visit.now()), visit.facts, entry.outdated());
  return decision.use == cache::Use::kFresh;
}

bool holds(const cache::ContentRange& place, const cache::Part& part) noexcept {
  return part.first >= place.first && part.first + part.size - 1 <= place.last;
}

}  // namespace

FoundPiece find_piece(const Visit& visit) {
  const cache::RequestFacts& facts = visit.facts;
  if (facts.range.empty() || !facts.if_none_match.empty() || !facts.if_modified_since.empty()) return {};
  for (cache::EntryPtr& entry : visit.store().pieces(visit.key, visit.busy.exchange.request().headers)) {
    const cache::Piece& piece = *entry->piece();
    if (!is_fresh(visit, *entry)) continue;
    if (!facts.if_range.empty() && !cache::range_holds(facts.if_range, entry->validators())) continue;
    if (piece.asked == facts.range) return {std::move(entry), std::nullopt};
    if (!piece.place) continue;
    const cache::Parts asked = cache::parts_of(facts, entry->validators(), piece.place->total);
    if (asked.parts.size() == 1 && holds(*piece.place, asked.parts.front()))
      return {std::move(entry), asked.parts.front()};
  }
  return {};
}

Missing find_missing(const Visit& visit) {
  for (const cache::EntryPtr& entry : visit.store().pieces(visit.key, visit.busy.exchange.request().headers)) {
    const auto& place = entry->piece()->place;
    const std::string_view etag = entry->validators().etag;
    if (!place || !cache::is_strong(etag) || place->total > visit.rule.options.max_object || !is_fresh(visit, *entry))
      continue;
    if (place->first == 0) return {fmt::format("bytes={}-", place->last + 1), std::string(etag)};
    if (place->last + 1 == place->total) return {fmt::format("bytes=0-{}", place->first - 1), std::string(etag)};
  }
  return {};
}

rt::Task<Asked> ask_missing(Visit& visit, Missing missing) {
  http::Headers& headers = visit.busy.exchange.request().headers;
  http::Headers as_received = headers;
  drop_conditions(headers);
  headers.add("Range", missing.range);
  headers.add("If-Range", missing.etag);
  Asked out{visit.now(), {}};
  out.status = co_await forward(visit.connection, visit.busy, visit.route);
  headers = std::move(as_received);
  co_return out;
}

bool completes(const Visit& visit, const Missing& missing) {
  const http::ResponseHead& head = visit.busy.call.head();
  if (head.status != 206 || head.headers.value(FieldId::kETag) != missing.etag) return false;
  const http::Field* told = head.headers.find("Content-Range");
  const auto place = told ? cache::parse_content_range(told->value) : std::nullopt;
  if (!place) return false;
  const std::string_view range = missing.range;
  if (range.starts_with("bytes=0-")) return place->first == 0 && range == fmt::format("bytes=0-{}", place->last);
  return place->last + 1 == place->total && range == fmt::format("bytes={}-", place->first);
}

}  // namespace rpx::proxy
