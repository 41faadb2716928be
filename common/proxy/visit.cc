#include "proxy/visit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "http/date.h"
#include "http/hop_by_hop.h"
#include "proxy/forward.h"

namespace rpx::proxy {
namespace {

using cache::Flight;
using http::FieldId;

// How long a key whose replies were not stored is not waited for.
constexpr Duration kPassTime = std::chrono::seconds(10);

bool is_condition(const http::Field& field) noexcept {
  if (field.id != FieldId::kOther) return false;
  return iequals(field.name, "If-None-Match") || iequals(field.name, "If-Modified-Since") ||
         iequals(field.name, "If-Range") || iequals(field.name, "Range");
}

cache::KeyParts parts_of(const Visit& visit, std::string_view path, std::string_view query) {
  const http::RequestHead& request = visit.busy.exchange.request();
  return {visit.busy.trail.client.scheme, visit.host, path, query, &request.headers};
}

// A message without Date gets the time at which it was received (RFC 9110 section 6.6.1).
void add_date(http::Headers& fields, Arena& arena, WallTime received) {
  if (!fields.has(FieldId::kDate)) fields.add(FieldId::kDate, "Date", arena.copy(http::format_http_date(received)));
}

cache::NewEntry new_entry(const Visit& visit, std::uint16_t status, cache::Times times) {
  const http::Target& target = visit.busy.exchange.request().target;
  cache::NewEntry made;
  made.key = visit.key;
  made.url = cache::url_of(parts_of(visit, target.path, target.query));
  made.host = visit.host;
  made.status = status;
  made.times = times;
  return made;
}

}  // namespace

std::string key_of(const Visit& visit, std::string_view path, std::string_view query) {
  std::string key;
  visit.rule.key.render(parts_of(visit, path, query), key);
  return key;
}

Visit make_visit(ClientConnection& connection, Busy& busy, const Route& route) {
  const http::RequestHead& request = busy.exchange.request();
  Visit visit{connection, busy, route, *route.cache, cache::facts_of(request.headers), {}, {}, {}};
  visit.host = request.target.host;
  const std::uint16_t own = busy.trail.client.scheme == "https" ? 443 : 80;
  if (request.target.port != 0 && request.target.port != own) visit.host += ":" + std::to_string(request.target.port);
  visit.key = key_of(visit, request.target.path, request.target.query);
  return visit;
}

void drop_conditions(http::Headers& request) { std::erase_if(request.raw(), is_condition); }

bool Fill::begin(WallTime asked) {
  const http::ResponseHead& head = visit_.busy.call.head();
  if (!lead_) return false;
  times_ = {asked, visit_.now()};
  http::copy_end_to_end(head.headers, fields_);
  add_date(fields_, visit_.busy.exchange.arena(), times_.answered);
  // A part is judged as the object would be (RFC 9111 section 3.3).
  const bool part = head.status == 206 && !visit_.facts.range.empty();
  verdict_ = cache::judge_reply(visit_.facts, part ? 200 : head.status, fields_, times_, visit_.rule.options);
  const Size most = visit_.rule.options.max_object;
  if (verdict_.store && head.framing == http::Framing::kLength && head.content_length > most)
    verdict_ = {.store = false, .why = {"its body is over max_object", "cache.max_object"}, .terms = {}};
  const bool own_page = head.status >= 400 && visit_.route.options->hide_origin &&
                        !visit_.route.error_pages.find(head.status).content_type.empty();
  if (verdict_.store && own_page)
    verdict_ = {.store = false, .why = {"the route has a page of its own for it", "route.errors"}, .terms = {}};
  if (!verdict_.store) {
    // Nobody waits for parts, and what is said of them is not said of the object.
    if (visit_.facts.range.empty()) visit_.store().remember_pass(visit_.key, verdict_.why, visit_.now() + kPassTime);
    lead_.end(Flight::End::kNothing);
    return false;
  }
  vary_ = cache::vary_of(fields_, visit_.busy.exchange.request().headers);
  if (head.framing == http::Framing::kLength) body_.reserve(head.content_length);
  active_ = true;
  visit_.busy.fill = this;
  if (!visit_.busy.first.blocked) take(visit_.busy.first);
  return true;
}

void Fill::take(const http::BodyPiece& piece) {
  if (!active_) return;
  if (body_.size() + piece.data.size() > visit_.rule.options.max_object) {
    active_ = false;
    body_ = {};
    visit_.store().remember_pass(visit_.key, {"its body is over max_object", "cache.max_object"},
                                 visit_.now() + kPassTime);
    lead_.end(Flight::End::kNothing);
    return;
  }
  body_.append(piece.data);
  if (piece.end) complete();
}

// Has `made` hold the part that has come, with what is stored around it; all of it makes a whole object.
bool Fill::take_part(cache::NewEntry& made) {
  const http::Field* told = fields_.find("Content-Range");
  cache::Piece piece{std::string(visit_.facts.range), std::string(told ? told->value : std::string_view()), {}};
  if (told) piece.place = cache::parse_content_range(told->value);
  // A length of its own that its Content-Range contradicts: of use as it is, and not to be cut.
  if (piece.place && piece.place->last - piece.place->first + 1 != body_.size()) piece.place.reset();
  const std::string_view etag = fields_.value(FieldId::kETag);
  bool joined = false;
  auto stored = visit_.store().pieces(visit_.key, visit_.busy.exchange.request().headers);
  for (std::size_t i = 0; i < stored.size();) {
    const bool same = stored[i]->vary() == made.vary && stored[i]->body().size() <= visit_.rule.options.max_object;
    if (!same || !cache::join(piece, body_, etag, *stored[i])) {
      ++i;
      continue;
    }
    joined = true;
    // It may touch now what it did not before.
    stored.erase(stored.begin() + static_cast<std::ptrdiff_t>(i));
    i = 0;
  }
  if (body_.size() > visit_.rule.options.max_object) return false;
  if (piece.place && piece.place->first == 0 && piece.place->last + 1 == piece.place->total) {
    made.status = 200;
    fields_.remove("Content-Range");
    return true;
  }
  if (joined) {
    piece.asked.clear();
    piece.told = fmt::format("bytes {}-{}/{}", piece.place->first, piece.place->last, piece.place->total);
  }
  made.piece = std::make_unique<const cache::Piece>(std::move(piece));
  return true;
}

void Fill::complete() {
  active_ = false;
  if (!lead_ || lead_.spoiled()) return lead_.end(Flight::End::kNothing);
  cache::NewEntry made = new_entry(visit_, visit_.busy.call.head().status, times_);
  made.terms = std::move(verdict_.terms);
  made.vary = std::move(vary_);
  if (made.status == 206 && !take_part(made)) return lead_.end(Flight::End::kNothing);
  body_.shrink_to_fit();
  made.body = std::make_shared<const std::string>(std::move(body_));
  entry_ = cache::Entry::make(std::move(made), fields_, visit_.rule.options.tags);
  visit_.store().put(entry_);
  lead_.end(Flight::End::kStored);
}

Result<http::BodyPiece> Fill::try_read(std::size_t most) {
  Result<http::BodyPiece> piece = visit_.busy.call.reader().try_read(most);
  if (piece && !piece->blocked) take(*piece);
  return piece;
}

rt::Task<Status> Fill::finish(Duration stall) {
  if (visit_.busy.first.end) co_return Status{};
  for (std::size_t pieces = 1;; ++pieces) {
    RPX_CO_TRY(const http::BodyPiece piece, try_read(net::kScratchBytes));
    if (piece.end) co_return Status{};
    if (piece.blocked) RPX_CO_TRY_VOID(co_await wait(stall));
    if (pieces % 8 == 0) co_await loop().yield();
  }
}

rt::Task<Asked> ask_origin(Visit& visit, const cache::Entry* stored, bool whole) {
  http::RequestHead& request = visit.busy.exchange.request();
  const bool changes = stored || (whole && (!visit.facts.if_none_match.empty() ||
                                            !visit.facts.if_modified_since.empty() || !visit.facts.range.empty()));
  http::Headers as_received;
  if (changes) {
    as_received = request.headers;
    drop_conditions(request.headers);
    const cache::Validators known = stored ? stored->validators() : cache::Validators();
    if (!known.etag.empty()) request.headers.add("If-None-Match", known.etag);
    if (!known.last_modified.empty()) request.headers.add("If-Modified-Since", known.last_modified);
  }
  Asked out{visit.now(), {}};
  out.status = co_await forward(visit.connection, visit.busy, visit.route);
  if (changes) request.headers = std::move(as_received);
  out.confirmed = stored && out.status && visit.busy.call.head().status == 304;
  co_return out;
}

cache::EntryPtr renewed(Visit& visit, const cache::Entry& stored, http::Headers update, WallTime asked) {
  const cache::Times times{asked, visit.now()};
  add_date(update, visit.busy.exchange.arena(), times.answered);
  const http::Headers before = stored.fields();
  const http::Headers fields = cache::merged(before, update);
  cache::Verdict verdict = cache::judge_reply(visit.facts, stored.status(), fields, times, visit.rule.options);
  cache::NewEntry made = new_entry(visit, stored.status(), times);
  made.body = stored.share_body();
  made.vary = stored.vary();
  made.terms = std::move(verdict.terms);
  made.forms_of = &stored;
  cache::EntryPtr entry = cache::Entry::make(std::move(made), fields, visit.rule.options.tags);
  if (verdict.store)
    visit.store().put(entry);
  else
    visit.store().invalidate(visit.key);
  return entry;
}

cache::EntryPtr take_update(Visit& visit, const cache::Entry& stored, WallTime asked) {
  http::Headers update;
  http::copy_end_to_end(visit.busy.call.head().headers, update);
  cache::EntryPtr entry = renewed(visit, stored, std::move(update), asked);
  // The reply is over: its connection is free for others.
  if (visit.busy.call.reusable(true))
    visit.busy.lease.give_back(Duration::zero());
  else
    visit.busy.lease.drop();
  return entry;
}

}  // namespace rpx::proxy
