#include "proxy/visit.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/result.h"
#include "base/text.h"
#include "http/date.h"
#include "http/hop_by_hop.h"
#include "proxy/forward.h"

namespace rpx::proxy {
namespace {

using cache::Flight;
using http::FieldId;

bool is_condition(const http::Field& field) noexcept {
  if (field.id != FieldId::kOther) return false;
  return iequals(field.name, "If-None-Match") || iequals(field.name, "If-Modified-Since") ||
         iequals(field.name, "If-Range") || iequals(field.name, "Range");
}

cache::KeyParts parts_of(const Visit& visit, std::string_view path, std::string_view query) {
  const http::RequestHead& request = visit.busy.exchange.request();
  return {visit.busy.trail.client.scheme, visit.host, path, query, &request.headers};
}

}  // namespace

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

std::string url_at(const Visit& visit, std::string_view path, std::string_view query) {
  return cache::url_of(parts_of(visit, path, query));
}

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
  if (request.target.port != 0 && request.target.port != own) {
    char digits[5];
    const char* end = std::to_chars(digits, digits + sizeof digits, request.target.port).ptr;
    visit.host = busy.exchange.arena().join(visit.host, ":", std::string_view(digits, end));
  }
  visit.key = key_of(visit, request.target.path, request.target.query);
  return visit;
}

void drop_conditions(http::Headers& request) { std::erase_if(request.raw(), is_condition); }

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
  made.on_disk = stored.on_disk();
  if (!made.on_disk) made.body = stored.share_body();
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
