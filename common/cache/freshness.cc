#include "cache/freshness.h"

#include <algorithm>

#include "base/text.h"
#include "http/date.h"

namespace rpx::cache {
namespace {

using http::FieldId;

// A reply that says nothing is taken to be as good for a tenth of the time since it changed (RFC 9111 section 4.2.2).
constexpr int kHeuristicShare = 10;

bool understands(std::uint16_t status) noexcept {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
    case 400:
    case 401:
    case 403:
    case 404:
    case 405:
    case 410:
    case 414:
    case 421:
    case 451:
    case 500:
    case 501:
    case 502:
    case 503:
    case 504: return true;
    default: return false;
  }
}

std::optional<WallTime> date_field(const http::Headers& headers, std::string_view name) {
  const http::Field* field = headers.find(name);
  return field ? http::parse_http_date(field->value) : std::nullopt;
}

// Dates in another case than they should have are read all the same: what the origin means is clear.
std::optional<WallTime> lenient_date(std::string_view text) {
  if (const auto date = http::parse_http_date(text)) return date;
  std::string tidy = lower(text);
  for (std::size_t i = 0; i < tidy.size(); ++i)
    if (const bool starts = i == 0 || tidy[i - 1] == ' ' || tidy[i - 1] == '-';
        starts && tidy[i] >= 'a' && tidy[i] <= 'z')
      tidy[i] = static_cast<char>(tidy[i] & ~0x20);
  if (tidy.ends_with(" Gmt")) tidy.replace(tidy.size() - 3, 3, "GMT");
  return http::parse_http_date(tidy);
}

// The one Expires field: one that cannot be read, or is there twice with different values, means the past
// (RFC 9111 section 5.3).
std::optional<Duration> expires_of(const http::Headers& reply, WallTime answered) {
  std::optional<WallTime> at;
  bool bad = false;
  bool any = false;
  for (const http::Field& field : reply) {
    if (field.name.size() != 7 || !iequals(field.name, "Expires")) continue;
    const auto one = lenient_date(field.value);
    bad = bad || !one || (any && one != at);
    any = true;
    at = one;
  }
  if (!any) return std::nullopt;
  if (bad) return Duration::zero();
  const WallTime date = date_field(reply, "Date").value_or(answered);
  return std::clamp<Duration>(*at - date, Duration::zero(), kLongest);
}

Duration initial_age(const http::Headers& reply, Times times) {
  Duration told{};
  for (const http::Field& field : reply) {
    if (field.name.size() != 3 || !iequals(field.name, "Age")) continue;
    // The first member of what was made a list counts; one that cannot be read is left out (RFC 9111 section 5.1).
    told = parse_delta(trim(split(field.value, ',').front())).value_or(Duration::zero());
    break;
  }
  Duration apparent{};
  if (const auto date = date_field(reply, "Date"))
    apparent = std::max<Duration>(Duration::zero(), times.answered - *date);
  return std::max<Duration>(apparent, told + (times.answered - times.asked));
}

struct Lifetime {
  Duration span{};
  Reason source;
  bool is_explicit = false;
};

Lifetime lifetime_of(const Directives& said, bool targeted, const http::Headers& reply, Times times) {
  if (said.s_maxage) return {*said.s_maxage, {"s-maxage", "RFC 9111 5.2.2.10"}, true};
  if (said.max_age)
    return {*said.max_age,
            {targeted ? "max-age of CDN-Cache-Control" : "max-age", targeted ? "RFC 9213 2.1" : "RFC 9111 5.2.2.1"},
            true};
  if (!targeted)
    if (const auto span = expires_of(reply, times.answered)) return {*span, {"Expires", "RFC 9111 5.3"}, true};
  return {{}, {"no freshness is stated", "RFC 9111 4.2.2"}, false};
}

Duration heuristic(const http::Headers& reply, Times times, const CacheOptions& options) {
  const auto changed = date_field(reply, "Last-Modified");
  if (!changed) return options.default_ttl;
  const Duration most = options.heuristic_ttl > Duration::zero() ? options.heuristic_ttl : options.default_ttl;
  const WallTime date = date_field(reply, "Date").value_or(times.answered);
  return std::clamp<Duration>((date - *changed) / kHeuristicShare, Duration::zero(), most);
}

bool has_pragma_no_cache(const http::Headers& headers) {
  for (const http::Field& field : headers)
    if (field.name.size() == 6 && iequals(field.name, "Pragma") && http::list_contains(field.value, "no-cache"))
      return true;
  return false;
}

// What the configuration says of the status, the exact one first.
const StatusTtl* ttl_of(std::uint16_t status, const CacheOptions& options) {
  const StatusTtl* out = nullptr;
  for (const StatusTtl& one : options.status_ttl) {
    if (parse_uint(one.status) == status) return &one;
    if (one.status.ends_with("xx") && one.status.front() - '0' == status / 100) out = &one;
  }
  return out;
}

Verdict refuse(std::string_view says, std::string_view section) {
  Verdict out;
  out.why = {says, section};
  return out;
}

// Why a reply is not to be stored, whatever it says of freshness; empty when it may be.
Reason obstacle(const RequestFacts& request, std::uint16_t status, const http::Headers& reply, const Directives& said) {
  if (status < 200 || status == 206 || status == 304)
    return {"a reply of this status is no whole object", "RFC 9111 3"};
  if (request.has_control && request.control.no_store) return {"the request says no-store", "RFC 9111 5.2.1.5"};
  if (said.must_understand && !understands(status))
    return {"must-understand, and the status is unknown", "RFC 9111 5.2.2.3"};
  if (said.no_store && !said.must_understand) return {"the reply says no-store", "RFC 9111 5.2.2.5"};
  if (said.is_private) return {"the reply says private", "RFC 9111 5.2.2.7"};
  if (request.authorized && !said.is_public && !said.must_revalidate && !said.s_maxage)
    return {"the request has Authorization, and the reply does not say public, s-maxage or must-revalidate",
            "RFC 9111 3.5"};
  for (const http::Field& field : reply)
    if (field.name.size() == 4 && iequals(field.name, "Vary") && http::list_contains(field.value, "*"))
      return {"Vary: * matches no other request", "RFC 9111 4.1"};
  return {};
}

}  // namespace

bool is_heuristic_status(std::uint16_t status) noexcept {
  constexpr std::uint16_t kStatuses[] = {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501};
  return std::ranges::find(kStatuses, status) != std::end(kStatuses);
}

RequestFacts facts_of(const http::Headers& request) {
  RequestFacts out;
  bool pragma = false;
  for (const http::Field& field : request) {
    if (field.id == FieldId::kAuthorization) out.authorized = true;
    if (field.id == FieldId::kCookie) out.has_cookie = true;
    if (field.id == FieldId::kCacheControl) out.has_control = true;
    if (field.id != FieldId::kOther) continue;
    switch (field.name.size()) {
      case 5:
        if (iequals(field.name, "Range")) out.range = field.value;
        break;
      case 6: pragma = pragma || (iequals(field.name, "Pragma") && http::list_contains(field.value, "no-cache")); break;
      case 8:
        if (iequals(field.name, "If-Range")) out.if_range = field.value;
        if (iequals(field.name, "If-Match")) out.has_preconditions = true;
        break;
      case 13:
        if (iequals(field.name, "If-None-Match")) out.if_none_match = field.value;
        break;
      case 17:
        if (iequals(field.name, "If-Modified-Since")) out.if_modified_since = field.value;
        break;
      case 19:
        if (iequals(field.name, "If-Unmodified-Since")) out.has_preconditions = true;
        break;
      default: break;
    }
  }
  if (out.has_control) out.control = parse_cache_control(request);
  out.no_cache_pragma = pragma && !out.has_control;
  return out;
}

Verdict judge_reply(const RequestFacts& request, std::uint16_t status, const http::Headers& reply, Times times,
                    const CacheOptions& options) {
  const auto targeted = parse_targeted(reply);
  const Directives said = targeted ? *targeted : parse_cache_control(reply);
  const Reason refused = obstacle(request, status, reply, said);
  if (!refused.says.empty()) return refuse(refused.says, refused.section);
  const Lifetime life = lifetime_of(said, targeted.has_value(), reply, times);
  const bool invited = life.is_explicit || said.is_public;
  const StatusTtl* own = life.is_explicit ? nullptr : ttl_of(status, options);
  if (own && own->ttl == Duration::zero())
    return refuse("status_ttl has replies of this status not stored", "RFC 9111 3");
  if (!invited && !own && !is_heuristic_status(status))
    return refuse("the status needs a stated freshness to be stored", "RFC 9111 3");
  if (reply.has(FieldId::kSetCookie) && !invited)
    return refuse("Set-Cookie is for one client, and the reply does not say how long it is fresh", "RFC 9111 7.3");
  Verdict out;
  Terms& terms = out.terms;
  terms.lifetime = life.span;
  terms.source = life.source;
  terms.no_cache = said.no_cache || (!said.present && !life.is_explicit && has_pragma_no_cache(reply));
  terms.must_revalidate = said.must_revalidate || said.proxy_revalidate || said.s_maxage.has_value();
  terms.no_cache_fields = said.no_cache_fields;
  terms.private_fields = said.private_fields;
  if (own) {
    terms.lifetime = own->ttl;
    terms.source = {"status_ttl, since the reply states no freshness", "RFC 9111 4.2.2"};
  } else if (!life.is_explicit) {
    terms.lifetime = heuristic(reply, times, options);
    if (terms.lifetime > Duration::zero())
      terms.source = {options.heuristic_ttl > Duration::zero() && reply.has(FieldId::kLastModified)
                          ? "a tenth of the time since it changed, since the reply states no freshness"
                          : "default_ttl, since the reply states no freshness",
                      "RFC 9111 4.2.2"};
  }
  terms.stale_while_revalidate = said.stale_while_revalidate.value_or(options.stale_while_revalidate);
  terms.stale_if_error = said.stale_if_error.value_or(options.stale_if_error);
  terms.initial_age = initial_age(reply, times);
  const bool validators = reply.has(FieldId::kETag) || reply.has(FieldId::kLastModified);
  const bool usable = terms.lifetime > terms.initial_age && !terms.no_cache;
  if (!usable && !validators && (terms.must_revalidate || !life.is_explicit || terms.no_cache))
    return refuse("it is stale at once, and nothing to validate it by", "RFC 9111 4.3.1");
  out.store = true;
  out.why = life.is_explicit ? Reason{"the reply states its freshness", "RFC 9111 3"}
                             : Reason{"the status may be stored without a stated freshness", "RFC 9111 4.2.2"};
  return out;
}

Duration age_at(const Terms& terms, WallTime answered, WallTime now) noexcept {
  return std::max<Duration>(Duration::zero(), terms.initial_age + (now - answered));
}

Decision decide(const Terms& terms, Duration age, const RequestFacts& request, bool outdated) noexcept {
  const Duration left = terms.lifetime - age;
  const Directives& asks = request.control;
  Decision out;
  out.on_error = !terms.must_revalidate && !terms.no_cache && -left <= terms.stale_if_error;
  if (terms.no_cache) {
    out.why = {"the reply says no-cache", "RFC 9111 5.2.2.4"};
  } else if (request.no_cache_pragma || asks.no_cache) {
    out.why = {"the request says no-cache", "RFC 9111 5.2.1.4"};
  } else if (asks.max_age && age > *asks.max_age && !(asks.max_stale && *asks.max_stale >= age - *asks.max_age)) {
    out.why = {"it is older than the request's max-age", "RFC 9111 5.2.1.1"};
  } else if (asks.max_age && *asks.max_age == Duration::zero()) {
    out.why = {"the request says max-age=0", "RFC 9111 5.2.1.1"};
  } else if (asks.min_fresh && left < *asks.min_fresh) {
    out.why = {"it is not fresh for as long as the request's min-fresh", "RFC 9111 5.2.1.3"};
  } else if (outdated) {
    out.why = {"it was purged softly", "RFC 9111 4.4"};
    if (!terms.must_revalidate && terms.stale_while_revalidate > Duration::zero() &&
        -left <= terms.stale_while_revalidate)
      out.use = Use::kRefresh;
  } else if (left > Duration::zero()) {
    out.use = Use::kFresh;
    out.why = {"it is fresh", "RFC 9111 4.2"};
  } else if (terms.must_revalidate) {
    out.why = {"it is stale, and must be validated then", "RFC 9111 5.2.2.2"};
  } else if (asks.max_stale && -left <= *asks.max_stale) {
    out.use = Use::kStale;
    out.why = {"it is stale, and the request takes that", "RFC 9111 5.2.1.2"};
  } else if (terms.stale_while_revalidate > Duration::zero() && -left <= terms.stale_while_revalidate) {
    out.use = Use::kRefresh;
    out.why = {"it is stale, within stale-while-revalidate", "RFC 5861 3"};
  } else {
    out.why = {"it is stale", "RFC 9111 4.2.4"};
  }
  return out;
}

}  // namespace rpx::cache
