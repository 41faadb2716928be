#include "proxy/stored_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "proxy/disk_source.h"
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

// A number as text, without what a general formatter costs for each hit.
class Digits {
 public:
  explicit Digits(std::int64_t number) noexcept : end_(std::to_chars(text_, text_ + sizeof text_, number).ptr) {}
  std::string_view text() const noexcept { return {text_, end_}; }

 private:
  char text_[20];
  const char* end_;
};

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
  const Digits digits(std::max<std::int64_t>(0, whole_seconds(age)));
  out.add(FieldId::kOther, "Age", in_arena(visit, digits.text()));
}

void put_status(const Visit& visit, const cache::Entry& entry, Duration age, Via via) {
  if (!visit.rule.options.status_header) return;
  const Digits digits(whole_seconds(entry.lifetime() - age));
  const std::string_view ttl = digits.text();
  Arena& arena = visit.busy.exchange.arena();
  std::string_view text;
  switch (via) {
    case Via::kHit: text = arena.join("rpx; hit; ttl=", ttl, visit.collapsed ? "; collapsed" : ""); break;
    case Via::kStaleOnError: text = arena.join("rpx; hit; ttl=", ttl, "; detail=stale-if-error"); break;
    case Via::kConfirmed: text = arena.join("rpx; fwd=stale; fwd-status=304; stored; ttl=", ttl); break;
    case Via::kJustStored: text = arena.join("rpx; fwd=", visit.why, "; stored; ttl=", ttl); break;
  }
  visit.busy.out.add(FieldId::kOther, "Cache-Status", text);
}

std::string content_range_of(const cache::Part& part, std::size_t total) {
  return fmt::format("bytes {}-{}/{}", part.first, part.first + part.size - 1, total);
}

// A body that consists of parts of an object of `total` bytes, each behind a text, and with that of the last an end;
// busy.out says what it is (RFC 9110 sections 14.4 and 14.6).
std::vector<DiskSource::Span> spans_of(Visit& visit, const std::vector<cache::Part>& parts, std::uint64_t total) {
  http::Headers& out = visit.busy.out;
  if (parts.size() == 1) {
    out.add("Content-Range", in_arena(visit, content_range_of(parts.front(), total)));
    return {{{}, parts.front().first, parts.front().size}};
  }
  char digits[32];
  visit.connection.worker.make_request_id(digits);
  const std::string_view boundary(digits, sizeof digits);
  // The object's own type stands at each part.
  const std::string_view type = out.value(FieldId::kContentType);
  std::vector<DiskSource::Span> spans;
  for (const cache::Part& part : parts) {
    std::string text = fmt::format("\r\n--{}\r\n", boundary);
    if (!type.empty()) fmt::format_to(std::back_inserter(text), "Content-Type: {}\r\n", type);
    fmt::format_to(std::back_inserter(text), "Content-Range: {}\r\n\r\n", content_range_of(part, total));
    spans.push_back({std::move(text), part.first, part.size});
  }
  spans.push_back({fmt::format("\r\n--{}--\r\n", boundary), 0, 0});
  out.set("Content-Type", visit.busy.exchange.arena().join("multipart/byteranges; boundary=", boundary));
  return spans;
}

rt::Task<void> answer_unsatisfiable(Visit& visit, std::uint64_t total) {
  std::erase_if(visit.busy.out.raw(), is_of_body);
  visit.busy.out.add("Content-Range", in_arena(visit, fmt::format("bytes */{}", total)));
  co_await respond_at_hand(visit.connection, visit.busy, visit.route, 416, {});
}

rt::Task<void> answer_parts(Visit& visit, const cache::Parts& asked, std::string_view body) {
  const std::vector<DiskSource::Span> spans = spans_of(visit, asked.parts, body.size());
  if (spans.size() == 1) {
    const DiskSource::Span& one = spans.front();
    co_await respond_at_hand(visit.connection, visit.busy, visit.route, 206, body.substr(one.first, one.size));
    co_return;
  }
  std::string text;
  for (const DiskSource::Span& span : spans) text.append(span.text).append(body.substr(span.first, span.size));
  co_await respond_at_hand(visit.connection, visit.busy, visit.route, 206, text);
}

// The parts that a request asks for of a stored object; kWhole where it asks for no parts.
cache::Parts parts_asked(const Visit& visit, const cache::Entry& entry) {
  if (entry.status() != 200 || visit.facts.range.empty() || visit.busy.exchange.request().method != Method::kGet)
    return {};
  return cache::parts_of(visit.facts, entry.validators(), entry.body_bytes());
}

// Puts the head of an answer with `entry` into busy.out; true where it is that of a 304, which is all that the client
// needs.
bool begin_answer(Visit& visit, const cache::Entry& entry, Via via) {
  entry.count_hit();
  const Duration age = entry.age(visit.now());
  put_fields(visit, entry, age);
  put_status(visit, entry, age, via);
  if (entry.status() != 200 || !cache::is_not_modified(visit.facts, entry.validators())) return false;
  std::erase_if(visit.busy.out.raw(), is_of_body);
  return true;
}

}  // namespace

void add_status(const Visit& visit, http::Headers& out, std::string_view detail) {
  if (!visit.rule.options.status_header) return;
  out.add("Cache-Status", visit.busy.exchange.arena().join("rpx; ", detail));
}

rt::Task<void> answer_stored(Visit& visit, cache::EntryPtr stored, Via via) {
  Busy& busy = visit.busy;
  if (stored->on_disk()) {
    const bool answered = co_await answer_from_disk(visit, std::move(stored), via);
    if (!answered)
      co_await respond_error(visit.connection, busy, &visit.route,
                             Error{ErrorKind::kIo, Side::kSelf, "the stored body cannot be read"});
    co_return;
  }
  busy.entry = std::move(stored);
  const cache::Entry& entry = *busy.entry;
  if (begin_answer(visit, entry, via)) {
    co_await respond_at_hand(visit.connection, busy, visit.route, 304, {});
    co_return;
  }
  const cache::Parts asked = parts_asked(visit, entry);
  if (asked.kind == cache::Parts::Kind::kUnsatisfiable) {
    co_await answer_unsatisfiable(visit, entry.body_bytes());
    co_return;
  }
  if (asked.kind == cache::Parts::Kind::kParts) {
    co_await answer_parts(visit, asked, entry.body());
    co_return;
  }
  const Stored whole{visit.rule.store, busy.entry};
  co_await respond_at_hand(visit.connection, busy, visit.route, entry.status(), entry.body(), &whole);
}

rt::Task<bool> answer_from_disk(Visit& visit, cache::EntryPtr stored, Via via) {
  Busy& busy = visit.busy;
  busy.entry = std::move(stored);
  const cache::Entry& entry = *busy.entry;
  const std::shared_ptr<cache::DiskStore> disk = visit.store().disk();
  if (!disk) co_return false;
  if (begin_answer(visit, entry, via)) {
    co_await respond_at_hand(visit.connection, busy, visit.route, 304, {});
    co_return true;
  }
  const cache::Parts asked = parts_asked(visit, entry);
  if (asked.kind == cache::Parts::Kind::kUnsatisfiable) {
    co_await answer_unsatisfiable(visit, entry.body_bytes());
    co_return true;
  }
  std::uint16_t status = entry.status();
  std::vector<DiskSource::Span> spans{{{}, 0, entry.body_bytes()}};
  if (asked.kind == cache::Parts::Kind::kParts) {
    status = 206;
    spans = spans_of(visit, asked.parts, entry.body_bytes());
  }
  DiskSource source(visit.connection.worker, disk, entry.on_disk(), std::move(spans));
  if (busy.exchange.request().method != Method::kHead) {
    const Status begun = co_await source.begin();
    if (!begun) co_return false;
  }
  co_await respond_as_it_comes(visit.connection, busy, visit.route, {status, source, source.size()});
  co_return true;
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
