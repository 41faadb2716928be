#include "proxy/stored_answer.h"

#include <fmt/format.h>

#include "base/text.h"
#include "proxy/encode.h"
#include "proxy/growing_body.h"
#include "proxy/respond.h"

namespace rpx::proxy {
namespace {

using http::FieldId;
using http::Method;

std::int64_t whole_seconds(Duration span) noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(span).count();
}

std::string_view in_arena(const Visit& visit, std::string_view text) { return visit.busy.exchange.arena().copy(text); }

// Fields of a reply that has no body are about what the client has already (RFC 9110 section 15.4.5).
bool is_of_body(const http::Field& field) noexcept {
  return field.id == FieldId::kContentType || field.id == FieldId::kContentEncoding ||
         iequals(field.name, "Content-Language");
}

// Fields of the stored reply, without those that may not be used unasked (RFC 9111 section 5.2.2.4), with Age.
void put_fields(const Visit& visit, const cache::Entry& entry, Duration age) {
  http::Headers& out = visit.busy.out;
  out.clear();
  entry.copy_fields(out);
  for (const std::string& name : entry.no_cache_fields()) out.remove(name);
  char digits[24];
  const auto end = fmt::format_to(digits, "{}", std::max<std::int64_t>(0, whole_seconds(age)));
  out.add("Age", in_arena(visit, {digits, static_cast<std::size_t>(end - digits)}));
}

void put_status(const Visit& visit, const cache::Entry& entry, Duration age, Via via) {
  if (!visit.rule.options.status_header) return;
  const std::int64_t ttl = whole_seconds(entry.lifetime() - age);
  char text[96];
  char* end = text;
  switch (via) {
    case Via::kHit: end = fmt::format_to(text, "hit; ttl={}{}", ttl, visit.collapsed ? "; collapsed" : ""); break;
    case Via::kStaleOnError: end = fmt::format_to(text, "hit; ttl={}; detail=stale-if-error", ttl); break;
    case Via::kConfirmed: end = fmt::format_to(text, "fwd=stale; fwd-status=304; stored; ttl={}", ttl); break;
    case Via::kJustStored: end = fmt::format_to(text, "fwd={}; stored; ttl={}", visit.why, ttl); break;
  }
  add_status(visit, visit.busy.out, {text, static_cast<std::size_t>(end - text)});
}

std::string content_range_of(const cache::Part& part, std::size_t total) {
  return fmt::format("bytes {}-{}/{}", part.first, part.first + part.size - 1, total);
}

// Several parts in one body (RFC 9110 section 14.6), with the object's own type at each.
std::string several(const Visit& visit, const std::vector<cache::Part>& parts, std::string_view body,
                    std::string_view boundary) {
  const std::string_view type = visit.busy.out.value(FieldId::kContentType);
  std::string out;
  for (const cache::Part& part : parts) {
    fmt::format_to(std::back_inserter(out), "\r\n--{}\r\n", boundary);
    if (!type.empty()) fmt::format_to(std::back_inserter(out), "Content-Type: {}\r\n", type);
    fmt::format_to(std::back_inserter(out), "Content-Range: {}\r\n\r\n", content_range_of(part, body.size()));
    out.append(body.substr(part.first, part.size));
  }
  fmt::format_to(std::back_inserter(out), "\r\n--{}--\r\n", boundary);
  return out;
}

rt::Task<void> answer_parts(Visit& visit, const cache::Parts& asked, std::string_view body) {
  Busy& busy = visit.busy;
  if (asked.kind == cache::Parts::Kind::kUnsatisfiable) {
    std::erase_if(busy.out.raw(), is_of_body);
    busy.out.add("Content-Range", in_arena(visit, fmt::format("bytes */{}", body.size())));
    co_await respond_at_hand(visit.connection, busy, visit.route, 416, {});
    co_return;
  }
  if (asked.parts.size() == 1) {
    const cache::Part& part = asked.parts.front();
    busy.out.add("Content-Range", in_arena(visit, content_range_of(part, body.size())));
    co_await respond_at_hand(visit.connection, busy, visit.route, 206, body.substr(part.first, part.size));
    co_return;
  }
  char boundary[32];
  visit.connection.worker.make_request_id(boundary);
  const std::string text = several(visit, asked.parts, body, {boundary, sizeof boundary});
  busy.out.set("Content-Type", busy.exchange.arena().join("multipart/byteranges; boundary=",
                                                          std::string_view(boundary, sizeof boundary)));
  co_await respond_at_hand(visit.connection, busy, visit.route, 206, text);
}

}  // namespace

void add_status(const Visit& visit, http::Headers& out, std::string_view detail) {
  if (!visit.rule.options.status_header) return;
  out.add("Cache-Status", visit.busy.exchange.arena().join("rpx; ", detail));
}

rt::Task<void> answer_stored(Visit& visit, cache::EntryPtr stored, Via via) {
  Busy& busy = visit.busy;
  busy.entry = std::move(stored);
  const cache::Entry& entry = *busy.entry;
  entry.count_hit();
  const Duration age = entry.age(visit.now());
  put_fields(visit, entry, age);
  put_status(visit, entry, age, via);
  const std::string_view body = entry.body();
  if (entry.status() == 200 && cache::is_not_modified(visit.facts, entry.validators())) {
    std::erase_if(busy.out.raw(), is_of_body);
    co_await respond_at_hand(visit.connection, busy, visit.route, 304, {});
    co_return;
  }
  if (entry.status() == 200 && !visit.facts.range.empty() && busy.exchange.request().method == Method::kGet) {
    const cache::Parts asked = cache::parts_of(visit.facts, entry.validators(), body.size());
    if (asked.kind != cache::Parts::Kind::kWhole) {
      co_await answer_parts(visit, asked, body);
      co_return;
    }
  }
  const Stored whole{visit.rule.store, busy.entry};
  co_await respond_at_hand(visit.connection, busy, visit.route, entry.status(), body, &whole);
}

rt::Task<void> answer_growing(Visit& visit, std::shared_ptr<cache::Flight> flight) {
  Busy& busy = visit.busy;
  busy.entry = flight->head();
  const cache::Entry& entry = *busy.entry;
  const Duration age = entry.age(visit.now());
  put_fields(visit, entry, age);
  put_status(visit, entry, age, Via::kHit);
  if (entry.status() == 200 && cache::is_not_modified(visit.facts, entry.validators())) {
    std::erase_if(busy.out.raw(), is_of_body);
    co_await respond_at_hand(visit.connection, busy, visit.route, 304, {});
    co_return;
  }
  const auto length = flight->length();
  GrowingBody body(std::move(flight), visit.connection.worker.loop());
  co_await respond_as_it_comes(visit.connection, busy, visit.route, {entry.status(), body, length});
}

rt::Task<void> answer_piece(Visit& visit, cache::EntryPtr piece, std::optional<cache::Part> part) {
  Busy& busy = visit.busy;
  busy.entry = std::move(piece);
  const cache::Entry& entry = *busy.entry;
  const cache::Piece& held = *entry.piece();
  entry.count_hit();
  const Duration age = entry.age(visit.now());
  put_fields(visit, entry, age);
  put_status(visit, entry, age, Via::kHit);
  std::string_view body = entry.body();
  std::string_view told = held.told;
  if (part) {
    told = in_arena(visit, content_range_of(*part, held.place->total));
    body = body.substr(part->first - held.place->first, part->size);
  }
  if (!told.empty()) busy.out.add("Content-Range", told);
  co_await respond_at_hand(visit.connection, busy, visit.route, 206, body);
}

}  // namespace rpx::proxy
